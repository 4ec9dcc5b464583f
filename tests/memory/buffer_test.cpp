// Reservoir: if these fail, replay sees the stream with a bias, or forgets what it held when a run is resumed.
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include "mneme/core/errors.hpp"
#include "mneme/memory/buffer.hpp"

namespace mneme {
namespace {

at::Generator seeded(std::uint64_t seed) { return at::detail::createCPUGenerator(seed); }

/// Items are their own labels, so what was kept can be read off.
void offer(Buffer& buffer, std::int64_t first, std::int64_t n, at::Generator& generator) {
  auto const labels = at::arange(first, first + n, at::kLong);
  buffer.offer({labels.to(at::kByte).view({n, 1}), labels, at::zeros({n}, at::kLong)}, generator);
}

TEST(Reservoir, KeepsEveryItemOfTheStreamWithTheSameProbability) {
  constexpr std::int64_t kItems = 60, kCapacity = 12, kTrials = 4000;
  auto generator = seeded(1);
  std::vector<double> kept(kItems, 0);
  for (std::int64_t trial = 0; trial < kTrials; ++trial) {
    Buffer buffer({.memory = kCapacity});
    for (std::int64_t first = 0; first < kItems; first += 10) offer(buffer, first, 10, generator);
    auto const labels = buffer.all().labels;
    for (std::int64_t i = 0; i < kCapacity; ++i) kept[static_cast<std::size_t>(labels[i].item<std::int64_t>())] += 1;
  }
  // Each trial keeps exactly M of n items, so sum (k - e)^2 / (e (1 - M/n)) * (n - 1)/n is chi-square with n - 1
  // degrees.
  double const share = static_cast<double>(kCapacity) / kItems, expected = kTrials * share;
  double statistic = 0;
  for (double const k : kept) statistic += (k - expected) * (k - expected) / (expected * (1 - share));
  statistic *= static_cast<double>(kItems - 1) / kItems;
  EXPECT_LT(statistic, 98.3) << "chi-square, 59 degrees of freedom, p = 0.001";
  EXPECT_GT(statistic, 30.3) << "p = 0.999: more even than chance";
}

TEST(Reservoir, HoldsDistinctItemsAndFillsInOrder) {
  auto generator = seeded(2);
  Buffer buffer({.memory = 5});
  offer(buffer, 0, 3, generator);
  EXPECT_EQ(buffer.size(), 3);
  EXPECT_TRUE(at::equal(buffer.all().labels, at::arange(3, at::kLong)));
  offer(buffer, 3, 100, generator);
  EXPECT_EQ(buffer.size(), 5);
  EXPECT_EQ(buffer.seen(), 103);
  EXPECT_EQ(std::get<0>(at::_unique(buffer.all().labels)).size(0), 5) << "an item is stored twice";
  EXPECT_TRUE(at::equal(buffer.all().data.squeeze(1).to(at::kLong), buffer.all().labels))
      << "data and labels came apart";
}

TEST(Reservoir, SamplesWithReplacementFromWhatItHolds) {
  auto generator = seeded(3);
  Buffer buffer({.memory = 10});
  offer(buffer, 0, 4, generator);
  auto const draw = buffer.sample(200, generator);
  EXPECT_EQ(draw.data.size(0), 200);
  EXPECT_EQ(draw.labels.max().item<std::int64_t>(), 3) << "a slot that was never filled was drawn";
  for (std::int64_t c = 0; c < 4; ++c) EXPECT_GT(draw.labels.eq(c).sum().item<std::int64_t>(), 25);
}

TEST(Reservoir, RefusesASampleOfNothing) {
  auto generator = seeded(4);
  EXPECT_THROW(static_cast<void>(Buffer({.memory = 3}).sample(1, generator)), ConfigError);
  Buffer none({.memory = 0});
  offer(none, 0, 4, generator);
  EXPECT_EQ(none.size(), 0);
}

TEST(Reservoir, RefusesTheStateOfAnotherCapacity) {
  auto generator = seeded(6);
  Buffer small({.memory = 4});
  offer(small, 0, 10, generator);
  Archive saved;
  small.state(saved);
  for (auto const capacity : {3, 9}) {
    Archive archive(saved.tensors(), saved.values(), "x");
    EXPECT_THROW(Buffer({.memory = capacity}).state(archive), CheckpointError) << "it reads rows that are not there";
  }
}

TEST(Reservoir, GoesOnAfterLoadingAsIfItHadNeverStopped) {
  auto generator = seeded(5);
  Buffer before({.memory = 8});
  offer(before, 0, 30, generator);
  Archive saved;
  before.state(saved);
  Archive archive(saved.tensors(), saved.values(), "x");
  Buffer after({.memory = 8});
  after.state(archive);
  auto const state = generator.get_state();
  offer(before, 30, 50, generator);
  generator.set_state(state);
  offer(after, 30, 50, generator);
  EXPECT_EQ(after.seen(), 80) << "a lost counter makes the reservoir prefer what comes after the resume";
  EXPECT_TRUE(at::equal(before.all().labels, after.all().labels));
  EXPECT_TRUE(at::equal(before.all().data, after.all().data));
}

}  // namespace
}  // namespace mneme
