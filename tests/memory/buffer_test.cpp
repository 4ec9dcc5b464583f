// Reservoir: if these fail, replay sees the stream with a bias, or forgets what it held when a run is resumed.
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

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

/// Items first..first+n-1, told apart by their data, of one class and task.
void offer(Buffer& buffer, std::int64_t first, std::int64_t n, std::int64_t label, std::int64_t task,
           at::Generator& generator) {
  auto const items = at::arange(first, first + n, at::kLong);
  buffer.offer({items.view({n, 1}), at::full({n}, label, at::kLong), at::full({n}, task, at::kLong)}, generator);
}

std::set<std::int64_t> items_of(Rows const& rows) {
  std::set<std::int64_t> items;
  for (std::int64_t i = 0; i < rows.size(); ++i) items.insert(rows.data[i].item<std::int64_t>());
  return items;
}

std::map<std::int64_t, std::int64_t> counts_of(at::Tensor const& keys) {
  std::map<std::int64_t, std::int64_t> counts;
  for (std::int64_t i = 0; i < keys.size(0); ++i) ++counts[keys[i].item<std::int64_t>()];
  return counts;
}

using Counts = std::map<std::int64_t, std::int64_t>;

TEST(Buffer, RingKeepsTheNewestOfEveryTask) {
  auto generator = seeded(7);
  Buffer buffer({.memory = 6, .policy = "ring"});
  offer(buffer, 0, 10, 0, 0, generator);
  EXPECT_EQ(items_of(buffer.all()), (std::set<std::int64_t>{4, 5, 6, 7, 8, 9}));
  offer(buffer, 10, 3, 0, 1, generator);
  EXPECT_EQ(items_of(buffer.of_task(0)), (std::set<std::int64_t>{7, 8, 9})) << "not the oldest gave way";
  offer(buffer, 13, 1, 0, 1, generator);
  EXPECT_EQ(items_of(buffer.of_task(1)), (std::set<std::int64_t>{11, 12, 13}));
  EXPECT_EQ(items_of(buffer.of_task(0)), (std::set<std::int64_t>{7, 8, 9})) << "a task took another's share";
}

TEST(Buffer, TaskBalancedKeepsAnEqualShareOfEveryTaskWithoutBias) {
  constexpr std::int64_t kItems = 20, kTrials = 2000;
  auto generator = seeded(8);
  std::vector<double> kept(kItems, 0);
  for (std::int64_t trial = 0; trial < kTrials; ++trial) {
    Buffer buffer({.memory = 8, .policy = "task-balanced"});
    offer(buffer, 0, kItems, 0, 0, generator);
    offer(buffer, kItems, kItems, 0, 1, generator);
    ASSERT_EQ(buffer.task_distribution(), (Counts{{0, 4}, {1, 4}}));
    for (auto const item : items_of(buffer.of_task(0))) kept[static_cast<std::size_t>(item)] += 1;
  }
  double const share = 4.0 / kItems, expected = kTrials * share;
  double statistic = 0;
  for (double const k : kept) statistic += (k - expected) * (k - expected) / (expected * (1 - share));
  statistic *= static_cast<double>(kItems - 1) / kItems;
  EXPECT_LT(statistic, 43.8) << "chi-square, 19 degrees of freedom, p = 0.001: what shrinks is not a random part";
  EXPECT_GT(statistic, 5.4) << "p = 0.999";
}

TEST(Buffer, ClassBalancedGivesARareClassItsShare) {
  auto generator = seeded(9);
  Buffer buffer({.memory = 10, .policy = "class-balanced"});
  offer(buffer, 0, 90, 0, 0, generator);
  offer(buffer, 90, 3, 1, 0, generator);
  EXPECT_EQ(counts_of(buffer.all().labels), (Counts{{0, 7}, {1, 3}})) << "all of a rare class is kept";
  offer(buffer, 93, 7, 1, 0, generator);
  EXPECT_EQ(counts_of(buffer.all().labels), (Counts{{0, 5}, {1, 5}})) << "and no more than the largest holds";
}

TEST(Buffer, GreedyHoldsItsShareOfEveryClassSeen) {
  auto generator = seeded(10);
  Buffer buffer({.memory = 10, .policy = "greedy"});
  offer(buffer, 0, 20, 0, 0, generator);
  offer(buffer, 20, 20, 1, 0, generator);
  EXPECT_EQ(counts_of(buffer.all().labels), (Counts{{0, 5}, {1, 5}}));
  offer(buffer, 40, 20, 2, 0, generator);
  EXPECT_EQ(counts_of(buffer.all().labels), (Counts{{0, 3}, {1, 3}, {2, 4}})) << "a class enters while below 10 / 3";
}

TEST(Buffer, DrawsOfATaskAndInEqualShares) {
  auto generator = seeded(11);
  Buffer buffer({.memory = 100});
  offer(buffer, 0, 60, 0, 0, generator);
  offer(buffer, 60, 5, 0, 1, generator);
  offer(buffer, 65, 2, 0, 2, generator);
  EXPECT_EQ(counts_of(buffer.sample_task(1, 9, generator).task), (Counts{{1, 9}}));
  EXPECT_THROW(static_cast<void>(buffer.sample_task(3, 1, generator)), ConfigError);
  auto const all = buffer.sample_task(0, 60, generator).data.flatten(1).select(1, 0);
  EXPECT_EQ(std::get<0>(at::_unique(all)).size(0), 60) << "a sample came twice while there were enough";
  auto const draw = buffer.sample_balanced(301, generator);
  for (auto const& [task, count] : counts_of(draw.task)) EXPECT_TRUE(count == 100 || count == 101) << task;
  EXPECT_EQ(draw.size(), 301);
  EXPECT_FALSE(at::equal(std::get<0>(draw.task.sort()), draw.task)) << "not in random order";
}

TEST(Buffer, DrawsDifferentSamplesAndNoMoreThanItHolds) {
  auto generator = seeded(14);
  Buffer buffer({.memory = 100});
  EXPECT_THROW(static_cast<void>(buffer.sample_distinct(1, generator)), ConfigError);
  offer(buffer, 0, 30, 0, 0, generator);
  std::vector<double> drawn(30, 0);
  for (int trial = 0; trial < 1000; ++trial) {
    auto const items = items_of(buffer.sample_distinct(10, generator));
    ASSERT_EQ(items.size(), 10U) << "a sample was drawn twice";
    for (auto const item : items) drawn[static_cast<std::size_t>(item)] += 1;
  }
  for (auto const count : drawn) EXPECT_NEAR(count, 1000.0 / 3, 80) << "not uniform";
  EXPECT_EQ(items_of(buffer.sample_distinct(99, generator)).size(), 30U);
}

TEST(Buffer, TakesRowsWhereAStrategyPutsThem) {
  auto generator = seeded(15);
  Buffer buffer({.memory = 4, .policy = "own"});
  auto const put = [&](std::vector<std::int64_t> const& items, std::vector<std::int64_t> const& slots) {
    auto const data = at::tensor(items, at::kLong);
    buffer.put({data.view({-1, 1}), data, at::zeros_like(data), {}}, at::tensor(slots, at::kLong));
  };
  put({10, 11, 12}, {0, 1, 2});
  put({13, 14, 15}, {1, 3, 1});  // the later of two rows for one slot stays
  EXPECT_TRUE(at::equal(buffer.all().labels, at::tensor({10, 15, 12, 14}, at::kLong)));
  EXPECT_TRUE(at::equal(buffer.all().data.squeeze(1), buffer.all().labels)) << "data and labels came apart";
  EXPECT_TRUE(buffer.full());
  EXPECT_EQ(buffer.seen(), 6);
}

TEST(Buffer, TellsWhatItHoldsAndForgetsItWhenCleared) {
  auto generator = seeded(12);
  Buffer buffer({.memory = 4});
  offer(buffer, 0, 3, 0, 0, generator);
  offer(buffer, 3, 1, 0, 7, generator);
  Json const expected = {{"capacity", 4},
                         {"size", 4},
                         {"seen", 4},
                         {"full", true},
                         {"policy", "reservoir"},
                         {"tasks", {{"0", 3}, {"7", 1}}}};
  EXPECT_EQ(buffer.stats(), expected);
  buffer.clear();
  EXPECT_TRUE(buffer.empty());
  offer(buffer, 10, 1, 0, 0, generator);
  EXPECT_EQ(buffer.size(), 1) << "a cleared buffer still counts what it held";
  EXPECT_EQ(buffer.seen(), 1);
}

/// Ring and task-balanced, each item by a search through all slots. Items are numbered as they come.
struct PlainShares {
  std::int64_t memory;
  bool ring;
  std::vector<std::int64_t> items, tasks;  // by slot
  Counts offered;

  [[nodiscard]] std::vector<std::size_t> slots_of(std::int64_t task) const {
    std::vector<std::size_t> slots;
    for (std::size_t slot = 0; slot < tasks.size(); ++slot)
      if (tasks[slot] == task) slots.push_back(slot);
    return slots;
  }
  [[nodiscard]] std::size_t gives_way(std::vector<std::size_t> const& slots, double u) const {
    if (!ring) return slots[static_cast<std::size_t>(u * static_cast<double>(slots.size()))];
    return *std::min_element(slots.begin(), slots.end(), [&](auto a, auto b) { return items[a] < items[b]; });
  }
  void offer(std::int64_t item, std::int64_t task, double u) {
    ++offered[task];
    auto const share = static_cast<std::size_t>(memory) / offered.size();
    auto const own = slots_of(task);
    std::size_t slot = items.size();
    if (own.size() < share && slot == static_cast<std::size_t>(memory)) {
      std::vector<std::size_t> largest;
      for (auto const& [other, count] : offered)
        if (auto const held = slots_of(other); held.size() > largest.size()) largest = held;
      slot = gives_way(largest, u);
    } else if (own.size() >= share) {
      auto const place = static_cast<std::size_t>(u * static_cast<double>(offered[task]));
      if (!ring && place >= own.size()) return;
      slot = ring ? gives_way(own, u) : own[place];
    }
    if (slot == items.size()) {
      items.push_back(0);
      tasks.push_back(0);
    }
    items[slot] = item;
    tasks[slot] = task;
  }
};

// If it fails, the groups that are kept beside the slots have come apart from them.
TEST(Buffer, ChoosesAsASearchThroughAllSlotsWould) {
  for (auto const* policy : {"ring", "task-balanced"}) {
    SCOPED_TRACE(policy);
    Buffer buffer({.memory = 11, .policy = policy});
    PlainShares plain{.memory = 11, .ring = std::string(policy) == "ring", .items = {}, .tasks = {}, .offered = {}};
    auto generator = seeded(14), again = seeded(14);
    for (std::int64_t first = 0; first < 120; first += 12) {
      auto const items = at::arange(first, first + 12, at::kLong);
      auto const tasks = items.mul(items).remainder(7).mul(first < 40 ? 0 : 1);  // one task, then 0, 1, 2 and 4 mixed
      auto const u = at::rand({12}, again, at::kDouble);
      buffer.offer({items.view({12, 1}), at::zeros_like(items), tasks}, generator);
      for (std::int64_t i = 0; i < 12; ++i) plain.offer(first + i, tasks[i].item<std::int64_t>(), u[i].item<double>());
      ASSERT_TRUE(at::equal(buffer.all().data.squeeze(1), at::tensor(plain.items, at::kLong)));
      ASSERT_TRUE(at::equal(buffer.all().task, at::tensor(plain.tasks, at::kLong)));
      for (auto const& [task, n] : buffer.task_distribution())
        ASSERT_EQ(n, static_cast<std::int64_t>(plain.slots_of(task).size()));
    }
  }
}

TEST(Buffer, OfEveryPolicyGoesOnAfterLoading) {
  for (auto const* policy : {"reservoir", "ring", "task-balanced", "class-balanced", "greedy"}) {
    SCOPED_TRACE(policy);
    BufferOptions const options{.memory = 7, .policy = policy};
    Buffer before(options), after(options);
    auto generator = seeded(13);
    for (std::int64_t task = 0; task < 2; ++task) offer(before, 20 * task, 20, task, task, generator);
    Archive saved;
    before.state(saved);
    Archive archive(saved.tensors(), saved.values(), "x");
    after.state(archive);
    auto const state = generator.get_state();
    for (std::int64_t task = 1; task < 3; ++task) offer(before, 20 * task + 20, 20, task, task, generator);
    generator.set_state(state);
    for (std::int64_t task = 1; task < 3; ++task) offer(after, 20 * task + 20, 20, task, task, generator);
    EXPECT_TRUE(at::equal(before.all().data, after.all().data));
    EXPECT_EQ(before.stats(), after.stats());
  }
}

}  // namespace
}  // namespace mneme
