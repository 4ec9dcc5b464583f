// Herding and exemplars: if these fail, other samples than the most representative are stored, or a class loses its
// best ones when its share shrinks.
#include "mneme/memory/herding.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "mneme/memory/exemplars.hpp"

namespace mneme {
namespace {

at::Tensor longs(std::vector<std::int64_t> const& values) { return at::tensor(values, at::kLong); }

TEST(Herding, KeepsTheRunningMeanNearTheMeanOfAll) {
  // Mean 3.75. 4 is nearest; then (4 + 1) / 2 = 2.5 beats 2 and 7; then (5 + 10) / 3 = 5 beats 5 / 3. The order by
  // distance to the mean alone is 4, 1, 0, 10.
  auto const features = at::tensor({0.0F, 1.0F, 4.0F, 10.0F}).unsqueeze(1);
  EXPECT_TRUE(at::equal(herding(features, 4), longs({2, 1, 3, 0})));
  EXPECT_TRUE(at::equal(herding(features, 2), longs({2, 1}))) << "fewer are not the first ones";
  EXPECT_TRUE(at::equal(herding(features, 9), longs({2, 1, 3, 0}))) << "a sample was chosen twice";
  EXPECT_EQ(herding(features, 0).size(0), 0);
  EXPECT_EQ(herding(features.narrow(0, 0, 0), 3).size(0), 0);
}

TEST(Herding, IsTheGreedyMinimumInTwoDimensions) {
  auto const features = at::tensor({0.1F, 0.9F, 0.8F, 0.3F, 0.5F, 0.5F, 0.9F, 0.9F, 0.2F, 0.1F}).view({5, 2});
  auto const mean = features.mean(0);
  std::vector<std::int64_t> expected;
  auto sum = at::zeros({2});
  for (int k = 1; k <= 5; ++k) {
    std::int64_t best = -1;
    double nearest = 1e9;
    for (std::int64_t i = 0; i < 5; ++i) {
      if (std::find(expected.begin(), expected.end(), i) != expected.end()) continue;
      auto const distance = (mean - (features[i] + sum) / k).norm().item<double>();
      if (distance < nearest) {
        nearest = distance;
        best = i;
      }
    }
    expected.push_back(best);
    sum += features[best];
  }
  EXPECT_TRUE(at::equal(herding(features, 5), longs(expected)));
}

/// Samples that are their own names.
Rows samples(std::vector<std::int64_t> const& names, std::int64_t label) {
  auto const data = longs(names);
  return {data.unsqueeze(1), at::full_like(data, label), at::full_like(data, 7), {}};
}

TEST(Exemplars, ShrinkToTheFirstOfEachClass) {
  Exemplars exemplars;
  exemplars.set(5, samples({50, 51, 52}, 5));
  exemplars.set(2, samples({20, 21, 22, 23}, 2));
  exemplars.shrink(3);
  EXPECT_TRUE(at::equal(exemplars.all().data.squeeze(1), longs({20, 21, 22, 50, 51, 52})));
  exemplars.shrink(2);
  EXPECT_TRUE(at::equal(exemplars.all().data.squeeze(1), longs({20, 21, 50, 51})));
  EXPECT_TRUE(at::equal(exemplars.all().labels, longs({2, 2, 5, 5})));
  EXPECT_EQ(exemplars.size(), 4);
  exemplars.set(5, samples({59}, 5));
  EXPECT_TRUE(at::equal(exemplars.of_class(5).data.squeeze(1), longs({59}))) << "it was added to, not replaced";
  EXPECT_EQ(exemplars.classes(), (std::set<std::int64_t>{2, 5}));
  exemplars.shrink(0);
  EXPECT_TRUE(exemplars.empty());
  EXPECT_EQ(exemplars.all().size(), 0);
}

TEST(Exemplars, AStoredStateIsTheSame) {
  Exemplars exemplars, other;
  exemplars.set(2, samples({20, 21}, 2));
  exemplars.set(5, samples({50, 51, 52}, 5));
  other.set(9, samples({90}, 9));
  Archive out;
  exemplars.state(out);
  Archive in(out.tensors(), out.values(), "test");
  other.state(in);
  EXPECT_EQ(other.classes(), exemplars.classes());
  EXPECT_TRUE(at::equal(other.of_class(5).data, exemplars.of_class(5).data)) << "the order of priority is lost";
  EXPECT_EQ(other.all().task.min().item<std::int64_t>(), 7);
  Archive empty, again;
  Exemplars().state(empty);
  Archive loaded(empty.tensors(), empty.values(), "test");
  other.state(loaded);
  EXPECT_TRUE(other.empty());
}

}  // namespace
}  // namespace mneme
