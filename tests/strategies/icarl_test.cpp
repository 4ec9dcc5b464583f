// iCaRL: if these fail, it is trained on other targets or data than it says, keeps other exemplars, or answers by
// something else than their means.
#include "mneme/strategies/icarl.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

using test::listed;
using test::Rig;

Json const kConfig = {{"kind", "icarl"}, {"memory", 12}};
double const kLog3 = std::log(3.0);

Icarl& icarl_of(StrategyList& list) { return dynamic_cast<Icarl&>(*list.members()[0].strategy); }

Output forward(Learner& learner, at::Tensor const& data) {
  at::NoGradGuard const no_grad;
  auto noise = at::detail::createCPUGenerator(0);
  return learner.forward(Batch(Dataset::to_input(data), at::Tensor()), {}, noise);
}

/// The features of some toy samples are all 0 after the ReLU.
at::Tensor unit(at::Tensor const& x) { return x / x.norm(2, 1, true).clamp_min(1e-12); }

at::Tensor mask(std::vector<std::int64_t> const& bits) { return at::tensor(bits, at::kLong).to(at::kBool); }

/// iCaRL with a probe behind it.
struct Watched {
  explicit Watched(Json const& config = kConfig) : list(listed(config)), icarl(icarl_of(list)) {}
  test::Scripted& probe() {
    auto own = std::make_unique<test::Scripted>();
    auto& reference = *own;
    list.add("probe", std::move(own), 0);
    return reference;
  }
  StrategyList list;
  Icarl& icarl;
};

TEST(IcarlLoss, IsTheHandComputedOne) {
  auto const seen = mask({1, 1, 0}), old = mask({1, 0, 0});
  // sigmoid(log 3) = 3/4, sigmoid(-log 3) = 1/4.
  auto const teacher = at::tensor({kLog3, 9.0, 9.0, -kLog3, 9.0, 9.0}, at::kDouble).view({2, 3});
  auto z = at::tensor({kLog3, kLog3, 5.0, kLog3, 0.0, 7.0}, at::kDouble).view({2, 3}).requires_grad_();
  auto const labels = at::tensor({1, 0}, at::kLong);
  double const p = 0.75;
  double const of_first = -(p * std::log(p) + (1 - p) * std::log(1 - p)) - std::log(p);
  // The second sample is of the old class: its target there is the teacher's 1/4, not its label.
  double const of_second = -(0.25 * std::log(p) + 0.75 * std::log(1 - p)) - std::log(0.5);
  auto const loss = icarl_loss(z, labels, teacher, seen, old);
  EXPECT_NEAR(loss.item<double>(), (of_first + of_second) / 4, 1e-12) << "mean over 2 samples and 2 outputs";
  loss.backward();
  auto const grad = z.grad();  // (p - q) / 4
  EXPECT_NEAR(grad[0][1].item<double>(), (0.75 - 1) / 4, 1e-12);
  EXPECT_NEAR(grad[1][0].item<double>(), (0.75 - 0.25) / 4, 1e-12);
  EXPECT_EQ(grad.select(1, 2).abs().max().item<double>(), 0) << "an output of a class that was never seen is taught";

  // At temperature 2 the teacher's score of -log 3 is half of that: 1 / (1 + sqrt(3)). The network's own stay whole.
  double const soft = 1 / (1 + std::sqrt(3.0));
  z.mutable_grad().zero_();
  icarl_loss(z, labels, teacher, seen, old, 2).backward();
  EXPECT_NEAR(grad[1][0].item<double>(), (0.75 - soft) / 4, 1e-12);
}

TEST(Icarl, OldOutputsAreTaughtWhatTheNetworkSaidBeforeTheEvent) {
  Watched run;
  auto& probe = run.probe();
  std::unique_ptr<Learner> before;
  int steps = 0;
  probe.on_begin = [&](EventContext& c) { before = c.learner.snapshot(); };
  probe.on_observe = [&](StepContext& c) {
    auto const& z = c.output->logits;
    auto const n = z.size(0), first = c.first() ? std::int64_t{2} : std::int64_t{4};
    auto const q = forward(*before, c.batch.x).logits.sigmoid();
    double sum = 0;
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t k = 0; k < first; ++k) {
        double const own = c.batch.y()[i].item<std::int64_t>() == k ? 1 : 0;
        double const target = !c.first() && k < 2 ? q[i][k].item<double>() : own;
        double const p = 1 / (1 + std::exp(-z[i][k].item<double>()));
        sum -= target * std::log(p) + (1 - target) * std::log(1 - p);
      }
    auto const loss = run.icarl.objective(c);
    EXPECT_NEAR(loss->item<double>(), sum / static_cast<double>(n * first), 1e-5) << "step " << steps;
    ++steps;
  };
  Rig rig(std::move(run.list));
  rig.trainer.run(toy::split_stream(false));
  EXPECT_EQ(steps, 10 + 14);  // two epochs of 40, and of 40 + 12 in batches of 8
}

TEST(Icarl, TrainsOnTheExemplarsToo) {
  Watched run;
  auto& probe = run.probe();
  int old_rows = 0;
  probe.on_observe = [&](StepContext& c) {
    EXPECT_EQ(c.source->size(), c.first() ? 40 : 52);
    if (!c.first()) old_rows += static_cast<int>(c.batch.y().lt(2).sum().item<std::int64_t>());
  };
  Rig rig(std::move(run.list));
  rig.trainer.run(toy::split_stream(false));
  EXPECT_EQ(old_rows, 2 * 12) << "each exemplar once an epoch";
}

TEST(Icarl, KeepsTheHerdedOfEachClassAndShrinksToTheFirst) {
  Watched run;
  auto& probe = run.probe();
  at::Tensor before;
  probe.on_end = [&](EventContext& c) {
    auto const share = c.first() ? 6 : 3;
    EXPECT_EQ(run.icarl.exemplars().size(), 12);
    for (std::int64_t label = c.first() ? 0 : 2; label < (c.first() ? 2 : 4); ++label) {
      auto const data = c.data.data().index_select(0, c.data.labels().eq(label).nonzero().squeeze(1));
      auto const phi = unit(forward(c.learner, data).features);
      auto const stored = run.icarl.exemplars().of_class(label).data;
      ASSERT_EQ(stored.size(0), share);
      auto sum = at::zeros({phi.size(1)});
      for (std::int64_t k = 1; k <= share; ++k) {  // the greedy minimum, sample by sample
        auto distance = (phi.mean(0) - (phi + sum) / static_cast<double>(k)).norm(2, 1);
        for (std::int64_t j = 0; j + 1 < k; ++j) distance.masked_fill_(data.eq(stored[j]).flatten(1).all(1), 1e9);
        auto const own = data.eq(stored[k - 1]).flatten(1).all(1).nonzero()[0].item<std::int64_t>();
        EXPECT_NEAR(distance[own].item<double>(), distance.min().item<double>(), 1e-6)
            << "class " << label << ", exemplar " << k;
        sum += phi[own];
      }
    }
    if (c.first())
      before = run.icarl.exemplars().of_class(0).data.clone();
    else
      EXPECT_TRUE(at::equal(run.icarl.exemplars().of_class(0).data, before.narrow(0, 0, 3)))
          << "what was chosen first did not stay";
  };
  Rig rig(std::move(run.list));
  rig.trainer.run(toy::split_stream(false));
}

/// Accuracy of the nearest mean of exemplars, the long way.
double nearest_mean(Learner& learner, Rows const& stored, Dataset const& test) {
  auto const phi = unit(forward(learner, test.data()).features);
  auto const of_stored = unit(forward(learner, stored.data).features);
  std::int64_t right = 0;
  for (std::int64_t i = 0; i < test.size(); ++i) {
    std::int64_t best = -1;
    double nearest = 1e9;
    for (std::int64_t label = 0; label < 4; ++label) {
      auto const own = stored.labels.eq(label).nonzero().squeeze(1);
      if (own.size(0) == 0) continue;
      auto mean = of_stored.index_select(0, own).mean(0);
      mean = mean / mean.norm();
      auto const distance = (phi[i] - mean).norm().item<double>();
      if (distance < nearest) {
        nearest = distance;
        best = label;
      }
    }
    right += best == test.labels()[i].item<std::int64_t>() ? 1 : 0;
  }
  return static_cast<double>(right) / static_cast<double>(test.size());
}

TEST(Icarl, AnswersByTheNearestMeanOfExemplars) {
  Watched run;
  auto& icarl = run.icarl;
  auto options = RunRecipe::toy().train;
  options.optimizer.learning_rate = 0.003;  // so little that some answers are wrong
  Rig rig(std::move(run.list), options);
  auto const stream = toy::split_stream(false);
  rig.trainer.expect(stream);
  for (std::size_t event = 0; event < 2; ++event) {
    rig.trainer.learn(*stream.tasks()[event]);
    for (std::size_t column = 0; column < 2; ++column)
      EXPECT_NEAR(*rig.trainer.matrix().values[event + 1][column],
                  nearest_mean(*rig.learner, icarl.exemplars().all(), stream.tasks()[column]->test), 1e-9)
          << "event " << event << ", task " << column;
  }
}

TEST(Icarl, MeansAreOfTheWeightsThatAreTested) {
  // A curve in the middle of an event uses means in the features of that moment, not of the event's beginning.
  Watched run;
  auto& icarl = run.icarl;
  auto& probe = run.probe();
  auto const stream = toy::split_stream(false);
  int tests = 0;
  probe.on_begin_test = [&](TestContext& c) {
    if (icarl.exemplars().empty()) return;
    ++tests;
    auto const& test = stream.tasks()[0]->test;
    auto const scores = icarl.predict(forward(c.learner, test.data()), Batch());
    auto const accuracy = scores.argmax(1).eq(test.labels()).to(at::kDouble).mean().item<double>();
    EXPECT_NEAR(accuracy, nearest_mean(c.learner, icarl.exemplars().all(), test), 1e-9);
  };
  Rig rig(std::move(run.list), RunRecipe::toy().train, "classifier", {.every_steps = 3});
  rig.trainer.run(stream);
  EXPECT_GT(tests, 8);
}

TEST(Icarl, AClassThatComesAgainIsTaughtItsLabels) {
  Watched run;
  auto& probe = run.probe();
  probe.on_observe = [&](StepContext& c) {
    auto const all = at::ones({4}, at::kBool);
    auto const expected = icarl_loss(c.output->logits, c.batch.y(), {}, all, at::zeros({4}, at::kBool));
    EXPECT_NEAR(run.icarl.objective(c)->item<double>(), expected.item<double>(), 1e-6);
  };
  Rig rig(std::move(run.list));
  rig.trainer.run(toy::stream(2));
}

TEST(NearestMeanScores, AreMinusTheSquaredDistance) {
  // One stored sample per class, so that each mean is a feature vector itself.
  auto const learner = toy::learner();
  auto const data = toy::images("toy-0", 8);
  NearestMean means;
  EXPECT_FALSE(means.scores({}).defined());
  means.fit(*learner, {data.data().narrow(0, 0, 2), data.labels().narrow(0, 0, 2), at::zeros({2}, at::kLong), {}});
  auto const output = forward(*learner, data.data());
  auto const scores = means.scores(output);
  auto const phi = unit(output.features);
  ASSERT_EQ(scores.sizes(), (std::vector<std::int64_t>{8, 4}));
  for (std::int64_t i = 0; i < 8; ++i) {
    for (std::int64_t c = 0; c < 2; ++c)
      EXPECT_NEAR(scores[i][c].item<double>(), -(phi[i] - phi[c]).square().sum().item<double>(), 1e-5);
    EXPECT_LT(scores[i][3].item<double>(), -4) << "a class without a mean is nearer than one that has one";
  }
  EXPECT_NEAR(scores[0][0].item<double>(), 0, 1e-5);
}

// Wrong: until the event's end its own classes have no mean and no sample of them can be answered rightly, so that
// early stop takes the first epoch for the best.
TEST(Icarl, ClassesUnderWayHaveMeansBeforeTheyHaveExemplars) {
  auto list = test::listed("icarl");
  auto probe = std::make_unique<test::Scripted>();
  auto const stream = toy::split_stream(false);
  auto const& task = *stream.tasks()[1];
  double amid = -1;
  test::Rig* running = nullptr;
  probe->on_end_stage = [&](StageContext& c) {
    if (c.index == 1) amid = running->trainer.test(task.test).front();
  };
  list.add("probe", std::move(probe), 0);
  test::Rig rig(std::move(list));
  running = &rig;
  rig.trainer.expect(stream);
  for (auto const* one : stream.tasks()) rig.trainer.learn(*one);
  EXPECT_GT(amid, 0);
}

}  // namespace
}  // namespace mneme
