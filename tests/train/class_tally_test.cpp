// What a run counts of a classifier's answers.
#include "mneme/train/class_tally.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

// Wrong: true class and answer exchanged, outputs that do not take part answered, a confidence in the wrong bin.
TEST(ClassTally, CountsAnswersAndConfidencesByHand) {
  auto const logits = at::tensor({2.0F, 0.0F, 9.0F, 0.0F, 0.0F, 9.0F}).view({2, 3});
  Batch batch(at::zeros({2, 1}), at::tensor({1, 0}, at::kLong));
  batch.active = at::tensor({1, 1, 0}, at::kByte).to(at::kBool);
  ClassTally tally;
  tally.add(batch, logits);
  tally.add(batch, logits);
  auto const counts = tally.counts();
  EXPECT_EQ(counts.confusion, (std::vector<std::vector<std::int64_t>>{{2, 0, 0}, {2, 0, 0}, {0, 0, 0}}));
  ASSERT_EQ(counts.bins.size(), 15U);
  double const sure = 1 / (1 + std::exp(-2.0));  // 0.881: bin 13 of (13/15, 14/15]
  EXPECT_EQ(counts.bins[13].samples, 2);
  EXPECT_NEAR(counts.bins[13].confidence, 2 * sure, 1e-6);
  EXPECT_EQ(counts.bins[13].correct, 0);
  EXPECT_EQ(counts.bins[7].samples, 2);  // 0.5
  EXPECT_EQ(counts.bins[7].correct, 2);
}

// Wrong: a softmax over nothing is counted, and its NaN makes a checkpoint that cannot be read.
TEST(ClassTally, CountsNothingWhereNoOutputTakesPart) {
  Batch batch(at::zeros({2, 1}), at::tensor({1, 0}, at::kLong));
  batch.active = at::zeros({3}, at::kBool);
  ClassTally tally;
  tally.add(batch, at::tensor({2.0F, 0.0F, 9.0F, 0.0F, 0.0F, 9.0F}).view({2, 3}));
  auto const counts = tally.counts();
  EXPECT_EQ(counts.confusion, std::vector<std::vector<std::int64_t>>(3, {0, 0, 0}));
  for (auto const& bin : counts.bins) EXPECT_EQ(bin, ConfidenceBin());
  EXPECT_EQ(ClassCounts::from_json(Json::parse(counts.to_json().dump())), counts);
}

TEST(ClassTally, ARunCountsEveryTestSampleOnceInItsLastRow) {
  test::Rig rig;
  auto const stream = toy::split_stream(false);
  rig.trainer.run(stream);
  auto const& confusion = rig.trainer.class_counts().confusion;
  ASSERT_EQ(confusion.size(), 4U);
  std::int64_t samples = 0, right = 0;
  for (std::size_t c = 0; c < 4; ++c)
    for (std::size_t answer = 0; answer < 4; ++answer) {
      samples += confusion[c][answer];
      if (c == answer) right += confusion[c][answer];
    }
  EXPECT_EQ(samples, 40);
  EXPECT_NEAR(static_cast<double>(right) / 40, *average(rig.trainer.matrix()), 1e-12);
  test::Rig vae({}, RunRecipe::toy().train, "vae");
  vae.trainer.run(toy::stream(1));
  EXPECT_TRUE(vae.trainer.class_counts().confusion.empty());
}

TEST(ClassTally, AStrategysBytesAreThoseOfItsTensors) {
  test::Rig naive, ewc(test::listed("ewc"));
  naive.trainer.run(toy::stream(2));
  ewc.trainer.run(toy::stream(2));
  EXPECT_EQ(naive.trainer.strategy_bytes(), 0);
  EXPECT_EQ(ewc.trainer.strategy_bytes(), 2 * 4 * ewc.learner->parameters().size());
}

}  // namespace
}  // namespace mneme
