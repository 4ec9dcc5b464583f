// SLDA: if these fail, means, covariance or scores are not those of the recursion in the header.
#include "mneme/strategies/slda.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "tests/nets/oracle.hpp"
#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

using test::hash_of;
using test::listed;
using test::Rig;

at::Tensor column(std::vector<double> const& values) { return at::tensor(values, at::kDouble).unsqueeze(1); }

TEST(StreamingLda, OfThreeNumbersIsHandComputed) {
  StreamingLda lda(0.5);
  lda.add(column({1, 3, 10}), at::tensor({0, 0, 1}, at::kLong), 3);
  // d = 1 with weight 0, d = 3 - 1 with weight 1/2, d = 10 - 0 with weight 2/3: (2 + 200/3) / 3.
  EXPECT_DOUBLE_EQ(lda.covariance().item<double>(), 206.0 / 9);
  EXPECT_TRUE(at::equal(lda.means().mean().squeeze(1), at::tensor({2.0, 10.0, 0.0}, at::kDouble)));
  // [ (206/9 + 1) / 2 ]^-1 = 18/215;  4 * 2 - 4/2 = 6,  4 * 10 - 100/2 = -10
  auto const scores = lda.scores(column({4}));
  EXPECT_NEAR(scores[0][0].item<double>(), 6 * 18.0 / 215, 1e-12);
  EXPECT_NEAR(scores[0][1].item<double>(), -10 * 18.0 / 215, 1e-12);
  EXPECT_LT(scores[0][2].item<double>(), scores[0][1].item<double>()) << "class 2 was never seen";
}

struct Samples {
  at::Tensor features, labels;
};
Samples samples(std::int64_t n) {
  at::manual_seed(7);
  auto const labels = at::randint(0, 4, {n}, at::kLong);
  return {at::randn({n, 5}, at::kDouble) + labels.unsqueeze(1), labels};
}

/// The recursion as it is printed, sample by sample, on Sigma itself.
struct Printed {
  at::Tensor sigma = at::zeros({5, 5}, at::kDouble), mean = at::zeros({4, 5}, at::kDouble);
  std::vector<double> count = {0, 0, 0, 0};
  double n = 0;
  void add(at::Tensor const& phi, std::int64_t y) {
    auto const d = phi - mean[y];
    sigma = (n * sigma + n / (n + 1) * at::outer(d, d)) / (n + 1);
    auto& of_class = count[static_cast<std::size_t>(y)];
    mean[y] += d / (of_class + 1);
    ++of_class;
    ++n;
  }
};

TEST(StreamingLda, InBatchesIsThePrintedRecursionSampleBySample) {
  auto const [features, labels] = samples(61);
  Printed printed;
  for (std::int64_t i = 0; i < 61; ++i) printed.add(features[i], labels[i].item<std::int64_t>());
  for (std::int64_t const batch : {1, 7, 61}) {
    SCOPED_TRACE(batch);
    StreamingLda lda(1e-4);
    for (std::int64_t first = 0; first < 61; first += batch) {
      auto const n = std::min<std::int64_t>(batch, 61 - first);
      lda.add(features.narrow(0, first, n), labels.narrow(0, first, n), 4);
    }
    EXPECT_LT(relative_error(lda.covariance(), printed.sigma), 1e-13);
    EXPECT_LT(relative_error(lda.means().mean(), printed.mean), 1e-13);
  }
}

TEST(StreamingLda, ScoresAreThoseOfTheInverse) {
  auto const [features, labels] = samples(200);
  StreamingLda lda(0.01);
  for (int half = 0; half < 2; ++half) {  // again after an update
    lda.add(features.narrow(0, half * 100, 100), labels.narrow(0, half * 100, 100), 4);
    auto const inverse = at::linalg_inv(0.99 * lda.covariance() + 0.01 * at::eye(5, at::kDouble));
    auto const means = lda.means().mean();
    auto const w = means.mm(inverse);
    auto const expected = features.mm(w.t()) - 0.5 * (w * means).sum(1);
    EXPECT_LT(relative_error(lda.scores(features), expected), 1e-10) << half;
  }
}

TEST(StreamingLda, MayKeepItsCovarianceWhileMeansMove) {
  auto const [features, labels] = samples(100);
  StreamingLda lda(1e-4);
  lda.add(features.narrow(0, 0, 60), labels.narrow(0, 0, 60), 4);
  auto const before = lda.covariance();
  auto const mean = lda.means().mean();
  lda.add(features.narrow(0, 60, 40), labels.narrow(0, 60, 40), 4, false);
  EXPECT_TRUE(at::equal(lda.covariance(), before));
  EXPECT_FALSE(at::equal(lda.means().mean(), mean));
}

TEST(StreamingLda, MakesRoomWhereTheOutputLayerGrows) {
  StreamingLda lda(0.5);
  lda.add(column({1, 3}), at::tensor({0, 0}, at::kLong), 1);
  lda.add(column({10}), at::tensor({1}, at::kLong), 3);
  EXPECT_DOUBLE_EQ(lda.covariance().item<double>(), 206.0 / 9);
}

Slda const& member(Rig& rig) { return dynamic_cast<Slda const&>(*rig.trainer.strategies().members()[0].strategy); }

TEST(Slda, SeesEverySampleOnceWhateverTheEpochs) {
  for (auto const* backbone : {"first-event", "as-initialised"}) {
    Rig rig(listed({{"kind", "slda"}, {"backbone", backbone}}));
    rig.trainer.run(toy::split_stream(false));
    EXPECT_TRUE(at::equal(member(rig).lda().means().count(), at::full({4}, 20.0, at::kDouble))) << backbone;
  }
}

TEST(Slda, GoesWithNoOtherStrategySinceTheNetTrainsNoMore) {
  EXPECT_THROW(listed({"slda", "er"}), ConfigError);
  EXPECT_THROW(listed({"ewc", "fetril"}), ConfigError);
}

TEST(Slda, AsInitialisedTrainsNothingAtAll) {
  Rig rig(listed({{"kind", "slda"}, {"backbone", "as-initialised"}}));
  auto const before = rig.theta().clone();
  rig.trainer.run(toy::split_stream(false));
  EXPECT_TRUE(at::equal(rig.theta(), before));
  EXPECT_EQ(listed({{"kind", "slda"}, {"backbone", "as-initialised"}}).prefix(), Prefix::kChanges);
  EXPECT_EQ(listed("slda").prefix(), Prefix::kPlain) << "arms may share the first event";
}

TEST(Slda, MeansAreThoseOfTheFrozenFeatures) {
  Rig rig(listed("slda"));
  auto const stream = toy::split_stream(false);
  rig.trainer.run(stream);
  auto noise = at::detail::createCPUGenerator(0);
  for (auto const* task : stream.tasks()) {
    Batch const all(task->train, at::arange(task->train.size(), at::kLong), task->id, {});
    auto const output = rig.learner->forward(all, {.training = false, .gates = nullptr}, noise);
    for (auto const c : task->classes) {
      auto const rows = task->train.labels().eq(c).nonzero().squeeze(1);
      EXPECT_LT(relative_error(member(rig).lda().means().mean()[c], output.features.index_select(0, rows).mean(0)),
                1e-5)
          << c;
    }
  }
}

TEST(Slda, KeepsBothTasksWhereNaiveForgetsTheFirst) {
  auto options = RunRecipe::toy().train;
  options.epochs = 20;
  Rig naive({}, options), slda(listed("slda"), options);
  naive.trainer.run(toy::split_stream(false));
  slda.trainer.run(toy::split_stream(false));
  auto const first_task = [](Rig& rig) { return rig.trainer.matrix().values.back().front().value_or(0); };
  EXPECT_GT(first_task(slda), first_task(naive) + 0.3);
}

TEST(Slda, UntilAnythingIsCountedTheNetPredicts) {
  Slda slda{SldaOptions()};
  EXPECT_FALSE(slda.predict({.logits = at::ones({1, 2}), .features = at::ones({1, 3}), .more = {}}, {}).defined());
}

}  // namespace
}  // namespace mneme
