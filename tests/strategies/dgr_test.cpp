// Deep generative replay: if these fail, the past is not replayed as the previous generator drew it and the previous
// classifier saw it, or not with the weight that it should have.
#include "mneme/strategies/dgr.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "mneme/core/seed.hpp"
#include "tests/nets/oracle.hpp"
#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

using test::listed;

Json setting(std::string const& kind) { return {{"kind", kind}, {"hidden", 8}, {"latent", 2}, {"layers", 1}}; }

using Look = std::function<void(StepContext&, Dgr const&)>;

/// Runs the strategy with a probe behind it. `at_gradient` sees each step's batch and gradient before
/// the update, `at_end` the state between two events.
void watch(Json const& dgr, Stream const& stream, Look const& at_gradient,
           std::function<void(EventContext&, Dgr const&)> const& at_end = {}, std::string const& head = "auto") {
  auto list = listed(dgr);
  auto const& strategy = dynamic_cast<Dgr const&>(*list.members()[0].strategy);
  auto probe = std::make_unique<test::Scripted>();
  probe->on_observe = [&](StepContext& c) {
    at::AutoGradMode const grad(true);
    at_gradient(c, strategy);
  };
  if (at_end) probe->on_end = [&](EventContext& c) { at_end(c, strategy); };
  list.add("probe", std::move(probe), 0);
  auto const learner = toy::learner("classifier", {{"head", head}});
  auto options = RunRecipe::toy().train;
  options.epochs = 1;
  Trainer trainer(*learner, std::move(list), options, {}, 0);
  trainer.run(stream);
}

/// log softmax over the columns in `mask` (all where undefined), minus infinity elsewhere; in double.
at::Tensor log_probabilities(at::Tensor const& logits, at::Tensor const& mask = {}) {
  auto const e = mask.defined() ? logits.exp() * mask.to(at::kDouble) : logits.exp();
  return (e / e.sum(1, true)).log();
}

double cosine(at::Tensor const& a, at::Tensor const& b) { return (a.dot(b) / (a.norm() * b.norm())).item<double>(); }

TEST(GeneratedReplay, WeightsMakeTheNewRowsCountForOneTask) {
  Batch current(at::zeros({2, 1}), at::zeros({2}, at::kLong)), made(at::zeros({3, 1}), at::zeros({3}, at::kLong));
  auto const joined = weighted_join(current, made, 1.0 / 3);
  // 5 rows of mean weight 1: the two new ones sum to 5/3, the three generated ones to 10/3.
  auto const expected = at::tensor({5.0F / 6, 5.0F / 6, 10.0F / 9, 10.0F / 9, 10.0F / 9});
  EXPECT_TRUE(at::allclose(joined.weight, expected)) << joined.weight;

  current.weight = at::tensor({3.0F, 1.0F});
  EXPECT_TRUE(
      at::allclose(weighted_join(current, made, 1.0 / 3).weight.narrow(0, 0, 2), at::tensor({1.25F, 5.0F / 12})))
      << "weights given by another strategy lose their proportions";
}

TEST(Dgr, ReplaysFromTheSecondEventOnAsManyAsAreNewOrAsAsked) {
  for (std::int64_t const replayed : {0, 3}) {
    auto options = setting("dgr");
    options["replayed"] = replayed;
    watch(options, toy::stream(2), [&](StepContext& c, Dgr const&) {
      auto const expected = c.first() ? 8 : 8 + (replayed > 0 ? replayed : 8);
      EXPECT_EQ(c.batch.size(), expected);
      if (c.first()) return;
      ASSERT_EQ(c.batch.parts.size(), 2U);
      EXPECT_EQ(c.batch.parts[1].origin, BatchPart::Origin::kGenerated);
      EXPECT_EQ(c.batch.parts[1].first, 8);
    });
  }
}

TEST(Dgr, TrainsOnTheLastGeneratorsSamplesWithTheLastClassifiersLabels) {
  std::unique_ptr<Oracle> solver, generator;
  auto draws = RandomStreams(stream_seed(0, "strategy/dgr")).fresh("replay");
  int steps = 0;
  watch(
      setting("dgr"), toy::stream(3),
      [&](StepContext& c, Dgr const&) {
        if (c.first()) return;
        ++steps;
        auto const z = at::empty({8, 2}).normal_(0, 1, draws).to(at::kDouble);
        static_cast<void>(at::randint(c.index, {8}, draws, at::kLong));  // the task of each
        auto const x = generator->linear("decoder.pixels", generator->linear("decoder.fc1", z).relu()).sigmoid();
        auto const replayed = c.batch.rows(8, 8);
        EXPECT_LT((replayed.x.flatten(1) - x).abs().max().item<double>(), 1e-5) << "not of the last generator";
        EXPECT_TRUE(at::equal(replayed.y(), solver->logits(replayed.x).argmax(1))) << "not the last classifier's";

        Oracle const now(c.parameters());
        auto const each = -log_probabilities(now.logits(c.batch.x)).gather(1, c.batch.y().unsqueeze(1)).squeeze(1);
        double const t = static_cast<double>(c.index) + 1;
        auto const loss = each.narrow(0, 0, 8).mean() / t + each.narrow(0, 8, 8).mean() * (1 - 1 / t);
        EXPECT_LT(relative_error(c.parameters().grad(), now.gradient(loss)), 1e-4) << "event " << c.index;
      },
      [&](EventContext& c, Dgr const& dgr) {
        solver = std::make_unique<Oracle>(c.parameters());
        generator = std::make_unique<Oracle>(dgr.generator()->parameters());
      });
  EXPECT_EQ(steps, 10);
}

TEST(Dgr, TheGeneratorLearnsOnWhileItsCopyStays) {
  at::Tensor copy, generator;
  watch(
      setting("dgr"), toy::stream(2),
      [&](StepContext& c, Dgr const& dgr) {
        auto const& now = dgr.generator()->parameters().value();
        if (generator.defined()) {
          EXPECT_FALSE(at::equal(now, generator)) << "step " << c.step << " did not train it";
        }
        generator = now.clone();
        if (!c.first()) {
          EXPECT_TRUE(at::equal(dgr.past_generator()->parameters().value(), copy));
        }
      },
      [&](EventContext&, Dgr const& dgr) {
        generator = at::Tensor();
        copy = dgr.generator()->parameters().value().clone();
      });
}

TEST(Dgr, LabelsOnlyWithClassesThatWereLearnt) {
  // The labels 2 and 3 come in the second task: their outputs are the highest after the first, but must not answer.
  for (auto const* head : {"shared", "growing"})
    watch(
        setting("dgr"), toy::split_stream(false),
        [](StepContext& c, Dgr const&) {
          if (c.first())
            c.parameters().value(c.parameters().find("head.bias")).narrow(0, 2, 2).fill_(100);
          else
            EXPECT_LT(c.batch.rows(8, 8).y().max().item<std::int64_t>(), 2);
        },
        {}, head);
}

TEST(Dgr, WithAHeadForEachTaskEachSampleHasAPastTasksHead) {
  auto stream = toy::split_stream(true);
  watch(setting("dgr"), stream, [](StepContext& c, Dgr const&) {
    if (c.first()) return;
    auto const replayed = c.batch.rows(8, 8);
    EXPECT_TRUE(at::equal(replayed.active, at::tensor({1, 1, 0, 0}).to(at::kBool).expand({8, 4})));
    EXPECT_TRUE(replayed.task().eq(0).all().item<bool>());
    EXPECT_LT(replayed.y().max().item<std::int64_t>(), 2);
    EXPECT_TRUE(at::equal(c.batch.active[0], at::tensor({0, 0, 1, 1}).to(at::kBool))) << "the new rows' head";
  });
}

/// `old` [4]: the outputs that are learnt before each event but the first.
void expect_distillation(Stream const& stream, at::Tensor const& old, bool per_output = false) {
  std::unique_ptr<Oracle> solver;
  auto options = setting("dgr+distill");
  options["per_output"] = per_output;
  watch(
      options, stream,
      [&](StepContext& c, Dgr const&) {
        if (c.first()) return;
        Oracle const now(c.parameters());
        auto const logits = now.logits(c.batch.x);
        auto const y = c.batch.y().narrow(0, 0, 8).unsqueeze(1);
        auto const current = -log_probabilities(logits.narrow(0, 0, 8)).gather(1, y).mean();
        auto const q = log_probabilities(solver->logits(c.batch.x.narrow(0, 8, 8)) / 2, old).exp().detach();
        auto const replay = -(per_output ? 1 : 4) * (q * log_probabilities(logits.narrow(0, 8, 8) / 2)).sum(1).mean();
        double const t = static_cast<double>(c.index) + 1;
        auto const expected = now.gradient(current / t + replay * (1 - 1 / t));
        EXPECT_LT(relative_error(c.parameters().grad(), expected), 1e-4) << "event " << c.index;
        auto const labels = -log_probabilities(logits.narrow(0, 8, 8)).gather(1, q.argmax(1, true)).mean();
        EXPECT_LT(cosine(expected, now.gradient(current / t + labels * (1 - 1 / t))), 0.9999)
            << "this test would not tell distillation from labels";
      },
      [&](EventContext& c, Dgr const&) { solver = std::make_unique<Oracle>(c.parameters()); }, "shared");
}

TEST(DgrDistill, HoldsTheSoftenedOutputsOfTheLastClassifier) {
  expect_distillation(toy::split_stream(false), at::tensor({1, 1, 0, 0}).to(at::kBool));
  expect_distillation(toy::stream(3), at::ones({4}, at::kBool));
  expect_distillation(toy::stream(3), at::ones({4}, at::kBool), true);  // T^2 over four outputs is 1
}

}  // namespace
}  // namespace mneme
