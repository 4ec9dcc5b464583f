// Counts by class and by confidence that can be computed by hand.
#include "mneme/eval/classes.hpp"

#include <gtest/gtest.h>

#include "mneme/core/errors.hpp"

namespace mneme {
namespace {

// Wrong: columns summed instead of rows (precision), or 0 for a class without samples.
TEST(Classes, AccuracyOfAClassIsTheShareOfItsOwnSamples) {
  ClassCounts const counts{.confusion = {{3, 1, 0}, {4, 4, 0}, {0, 0, 0}}, .bins = {}};
  auto const list = per_class_accuracy(counts);
  ASSERT_EQ(list.size(), 3U);
  EXPECT_DOUBLE_EQ(*list[0], 0.75);
  EXPECT_DOUBLE_EQ(*list[1], 0.5);
  EXPECT_FALSE(list[2].has_value());
}

// Wrong: bins weighted alike, or differences of opposite sign that cancel.
TEST(Classes, CalibrationErrorWeighsBinsByTheirSamples) {
  // Bin 1: 4 samples of confidence 0.6, 3 right: |0.75 - 0.6|. Bin 2: 1 sample of 0.9, wrong: |0 - 0.9|.
  ClassCounts const counts{.confusion = {}, .bins = {{4, 2.4, 3}, {0, 0, 0}, {1, 0.9, 0}}};
  EXPECT_NEAR(*expected_calibration_error(counts), 0.8 * 0.15 + 0.2 * 0.9, 1e-12);
  EXPECT_FALSE(expected_calibration_error({}).has_value());
}

TEST(Classes, JsonReadsBackExactly) {
  ClassCounts const counts{.confusion = {{3, 1}, {0, 2}}, .bins = {{4, 2.4, 3}, {1, 0.1, 0}}};
  EXPECT_EQ(ClassCounts::from_json(counts.to_json()), counts);
  EXPECT_THROW(ClassCounts::from_json({{"bins", Json::array()}}), DataError);
  EXPECT_THROW(ClassCounts::from_json({{"confusion", {{1, 2}}}, {"bins", Json::array()}}), DataError);
}

}  // namespace
}  // namespace mneme
