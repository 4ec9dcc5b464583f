// Less-forgetting learning: if these fail, features are held to another net's, or the output layer moves.
#include "mneme/strategies/lfl.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "tests/nets/oracle.hpp"
#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

using test::hash_of;
using test::listed;

Json lfl(Json more = Json::object()) {
  more["kind"] = "lfl";
  return more;
}

/// Calls `check(context, h, h_old, term)` in every step of the third of three tasks; h in double, h_old from a copy of
/// the test's own.
void in_third_task(Json const& config,
                   std::function<void(StepContext&, at::Tensor const&, at::Tensor const&, double)> const& check) {
  auto list = listed(config);
  auto* member = list.members()[0].strategy.get();
  auto probe = std::make_unique<test::Scripted>();
  std::unique_ptr<Learner> before;
  int checked = 0;
  probe->on_end = [&](EventContext& c) { before = c.learner.snapshot(); };
  probe->on_observe = [&](StepContext& c) {
    auto const terms = member->terms(c);
    EXPECT_EQ(terms.empty(), c.first());
    if (c.index != 2) return;
    auto const old = before->forward(c.batch, {}, c.streams->get("noise")).features;
    check(c, c.output->features.detach().to(at::kDouble), old.to(at::kDouble), terms.at("lfl").item<double>());
    ++checked;
  };
  list.add("probe", std::move(probe), 0);
  test::Rig rig(std::move(list));
  rig.trainer.run(toy::stream(3));
  EXPECT_EQ(checked, 10);
}

// Wrong: the factor 1/2, a mean over features where a sum is meant, or a teacher that is not the net of the task
// before.
TEST(Lfl, TermIsHalfTheSquaredDistanceOfTheFeatures) {
  in_third_task(lfl({{"lambda", 3.0}}), [](StepContext&, at::Tensor const& h, at::Tensor const& old, double term) {
    ASSERT_EQ(h.sizes(), (std::vector<std::int64_t>{8, 8}));
    double sum = 0;
    for (std::int64_t n = 0; n < 8; ++n)
      for (std::int64_t i = 0; i < 8; ++i) {
        auto const difference = h[n][i].item<double>() - old[n][i].item<double>();
        sum += difference * difference;
      }
    EXPECT_NEAR(term, 3 * 0.5 * sum / 8, 1e-4 * sum + 1e-12);
  });
}

TEST(Lfl, MeanSquaredIsTheMeanOverSamplesAndFeatures) {
  in_third_task(lfl({{"lambda", 3.0}, {"distance", "mean-squared"}}),
                [](StepContext&, at::Tensor const& h, at::Tensor const& old, double term) {
                  auto const sum = (h - old).square().sum().item<double>();
                  EXPECT_NEAR(term, 3 * sum / 64, 1e-4 * sum + 1e-12);
                });
}

// Wrong: replayed rows are held to the teacher's features too.
TEST(Lfl, LeavesReplayedRowsAlone) {
  in_third_task({lfl({{"lambda", 1.0}}), {{"kind", "er"}, {"memory", 12}}},
                [](StepContext&, at::Tensor const& h, at::Tensor const& old, double term) {
                  ASSERT_EQ(h.size(0), 16);
                  auto const sum = (h - old).narrow(0, 0, 8).square().sum().item<double>();
                  EXPECT_NEAR(term, 0.5 * sum / 8, 1e-4 * sum + 1e-12);
                });
}

// Wrong: what is logged is not what is trained on. dL/dh of the term is lambda (h - h_old) / B.
TEST(Lfl, AddsTheGradientOfItsTerm) {
  in_third_task(lfl({{"lambda", 3.0}}), [](StepContext& c, at::Tensor const& h, at::Tensor const& old, double) {
    auto& arena = c.parameters();
    auto const expected = arena.new_row();
    GradientSink sink(arena, expected, Reduction::kSum);
    ParameterArena::Redirect const redirect(arena, sink);
    at::AutoGradMode const grad(true);
    arena.begin_gradient();
    auto const output = c.learner.forward(c.batch, {.training = true}, c.streams->get("noise"));
    auto const pull = (output.features * (h - old).to(at::kFloat)).sum() * (3.0 / 8);
    (at::nll_loss(output.logits.log_softmax(1), c.batch.y()) + pull).backward();
    arena.finish_gradient();
    EXPECT_LT(relative_error(arena.grad(), expected), 1e-5);
  });
}

/// Values of the output layer at the end of each event, under an optimizer that moves weights without a gradient.
std::vector<at::Tensor> output_layers(Json const& config) {
  auto options = RunRecipe::toy().train;
  options.optimizer.optimizer = "adamw";
  options.optimizer.weight_decay = 0.1;
  auto list = listed(config);
  auto probe = std::make_unique<test::Scripted>();
  std::vector<at::Tensor> layers;
  probe->on_end = [&](EventContext& c) {
    auto const& arena = c.parameters();
    layers.push_back(at::cat({arena.value(arena.find("head.weight")).flatten(), arena.value(arena.find("head.bias"))}));
  };
  list.add("probe", std::move(probe), 0);
  test::Rig rig(std::move(list), options);
  rig.trainer.run(toy::stream(3));
  return layers;
}

// Wrong: because the output layer is frozen the pass is one of evaluation, and running statistics stay at the first
// task's.
TEST(Lfl, TrainsTheBodyInATrainingPass) {
  auto const learner =
      toy::learner("classifier", {{"net", {{"kind", "mlp"}, {"hidden", {8}}, {"batch_norm", "hidden"}}}});
  Trainer trainer(*learner, listed(lfl()), RunRecipe::toy().train, {}, 0);
  auto const stream = toy::stream(2);
  trainer.expect(stream);
  trainer.learn(std::get<Task>(stream.events[0]));
  auto const before = learner->parameters().buffers().clone();
  trainer.learn(std::get<Task>(stream.events[1]));
  EXPECT_FALSE(at::equal(learner->parameters().buffers(), before));
}

TEST(Lfl, FreezesTheOutputLayerAfterTheFirstTask) {
  auto const frozen = output_layers(lfl());
  EXPECT_TRUE(at::equal(frozen[0], frozen[1]) && at::equal(frozen[1], frozen[2]));
  EXPECT_TRUE(at::equal(frozen[0], output_layers("naive")[0])) << "the first task trains it";
  auto const free = output_layers(lfl({{"freeze", "nothing"}}));
  EXPECT_FALSE(at::equal(free[0], free[1]));
}

TEST(Lfl, WithoutStrengthAndFreezingIsNaive) {
  EXPECT_EQ(hash_of(listed(lfl({{"lambda", 0.0}, {"freeze", "nothing"}}))), hash_of(listed("naive")));
  EXPECT_NE(hash_of(listed(lfl({{"freeze", "nothing"}}))), hash_of(listed("naive")));
  EXPECT_NE(hash_of(listed(lfl({{"lambda", 0.0}}))), hash_of(listed("naive")));
}

}  // namespace
}  // namespace mneme
