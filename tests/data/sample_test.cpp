#include "mneme/data/sample.hpp"

#include <algorithm>

#include "mneme/core/errors.hpp"
#include "tests/io/support.hpp"

namespace mneme {
namespace {

using namespace test;

// The first run of every user stands on these: sizes, balance and class names.
TEST(Sample, IsBalancedAndNamed) {
  for (auto const& name : sample_names()) {
    for (auto const& [split, count] : {std::pair{"train", 4000}, std::pair{"test", 1000}}) {
      SCOPED_TRACE(name + " " + split);
      auto const data = load_sample(name, split);
      EXPECT_EQ(data.shape, (std::vector<std::int64_t>{count, 1, 28, 28}));
      EXPECT_EQ(data.pixels.size(), static_cast<std::size_t>(count) * 784);
      ASSERT_EQ(data.class_names.size(), 10u);
      for (std::int64_t label = 0; label < 10; ++label) {
        EXPECT_EQ(std::count(data.labels.begin(), data.labels.end(), label), count / 10);
      }
      EXPECT_EQ(data.sha256.size(), 64u);
    }
  }
}

// MNIST's training file begins 5 0 4 1 9 2 1 3 1 4: every class has fewer than 400 there, so the sample begins so too.
TEST(Sample, KeepsFileOrder) {
  auto const labels = load_sample("mnist", "train").labels;
  EXPECT_EQ(std::vector<std::int64_t>(labels.begin(), labels.begin() + 10),
            (std::vector<std::int64_t>{5, 0, 4, 1, 9, 2, 1, 3, 1, 4}));
}

TEST(Sample, SplitsAndSetsDiffer) {
  EXPECT_NE(load_sample("mnist", "train").sha256, load_sample("mnist", "test").sha256);
  EXPECT_NE(load_sample("mnist", "test").pixels, load_sample("fashion", "test").pixels);
}

TEST(Sample, WhatIsNotEmbeddedIsRefused) {
  expect_mentions(message_of<ConfigError>([] { load_sample("usps", "train"); }), {"usps", "mnist, fashion-mnist"});
  expect_mentions(message_of<ConfigError>([] { load_sample("mnist", "all"); }), {"'all'"});
}

}  // namespace
}  // namespace mneme
