// Data sets: if these fail, a learner sees other numbers than the file holds, or samples under other labels.
#include "mneme/data/dataset.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "mneme/core/errors.hpp"
#include "tests/io/make_files.hpp"
#include "tests/io/support.hpp"

namespace mneme {
namespace {

constexpr std::int64_t kCount = 5, kSide = 16, kPixels = kSide * kSide;
std::vector<std::uint8_t> const kLabels = {2, 0, 1, 0, 2};

/// Every image holds each of the 256 levels once, each image in another order.
std::uint8_t level(std::int64_t sample, std::int64_t pixel) {
  return static_cast<std::uint8_t>(pixel * (2 * sample + 1) + sample);
}

/// Through a file, as users' data comes.
Dataset stored() {
  test::TemporaryFolder const folder;
  std::string pixels;
  for (std::int64_t n = 0; n < kCount; ++n)
    for (std::int64_t i = 0; i < kPixels; ++i) pixels += static_cast<char>(level(n, i));
  auto const images = folder.put("images.idx", test::make_idx({kCount, kSide, kSide}, pixels));
  auto const labels = folder.put("labels.idx", test::make_idx({kCount}, std::string(kLabels.begin(), kLabels.end())));
  return Dataset::from("levels", read_idx_pair(images, labels));
}

at::Tensor rows(std::vector<std::int64_t> const& list) { return at::tensor(list, at::kLong); }

/// What the learner is to see of a sample: the file's bytes over 255, as float(byte) times float(1 / 255).
at::Tensor expected(std::vector<std::int64_t> const& samples) {
  std::vector<float> values;
  for (auto const n : samples)
    for (std::int64_t i = 0; i < kPixels; ++i) values.push_back(static_cast<float>(level(n, i)) * (1.0F / 255.0F));
  return at::tensor(values).view({-1, 1, kSide, kSide});
}

TEST(Dataset, GatherGivesTheFilesBytesInTheOrderAskedFor) {
  auto const data = stored();
  EXPECT_EQ(data.size(), kCount);
  EXPECT_EQ(data.sample_shape(), (std::vector<std::int64_t>{1, kSide, kSide}));
  EXPECT_EQ(data.data().scalar_type(), at::kByte) << "images take four times the memory";
  auto const x = data.gather(rows({4, 0, 0, 3}));
  EXPECT_EQ(x.scalar_type(), at::kFloat);
  EXPECT_TRUE(at::equal(x, expected({4, 0, 0, 3})));
  EXPECT_EQ(data.gather(rows({})).sizes(), (std::vector<std::int64_t>{0, 1, kSide, kSide}));
}

// Wrong: white is not exactly 1, so that a Bernoulli likelihood of it is not finite; or levels are rounded twice.
TEST(Dataset, LevelsAreTheByteOver255UpToTheLastBit) {
  auto const x = Dataset::to_input(at::arange(256, at::kByte));
  for (int b = 0; b < 256; ++b) {
    float const value = x[b].item<float>(), exact = static_cast<float>(b) / 255.0F;
    EXPECT_GE(value, std::nextafter(exact, 0.0F)) << b;
    EXPECT_LE(value, std::nextafter(exact, 1.0F)) << b;
  }
  EXPECT_EQ(x[0].item<float>(), 0);
  EXPECT_EQ(x[255].item<float>(), 1);
}

// Wrong: training (gather), evaluation (slice) and `predict` (to_input) see different bits of one picture.
TEST(Dataset, EveryWayToASampleGivesTheSameBits) {
  auto const data = stored();
  auto const all = expected({0, 1, 2, 3, 4});
  EXPECT_TRUE(at::equal(data.slice(1, 3), all.narrow(0, 1, 3)));
  EXPECT_TRUE(at::equal(Dataset::to_input(data.data()), all));
  auto const turned = data.with(data.data().transpose(2, 3), data.labels());  // not contiguous: torch's own operations
  EXPECT_TRUE(at::equal(turned.gather(rows({2, 0})), expected({2, 0}).transpose(2, 3)));
  auto const strided = at::stack({rows({1, 3}), rows({0, 0})}, 1).select(1, 0);  // an index that is not contiguous
  EXPECT_TRUE(at::equal(data.gather(strided), expected({1, 3})));
}

TEST(Dataset, SelectKeepsSamplesWithTheirLabelsAndNames) {
  auto const data = stored();
  auto const part = data.select(rows({3, 2, 0}));
  EXPECT_TRUE(at::equal(part.gather(rows({0, 1, 2})), data.gather(rows({3, 2, 0}))));
  EXPECT_TRUE(at::equal(part.labels(), rows({0, 1, 2}))) << "labels went to other samples";
  EXPECT_EQ(part.class_names(), data.class_names());
  EXPECT_EQ(part.name(), "levels");
  EXPECT_EQ(part.data().scalar_type(), at::kByte);
}

TEST(Dataset, OfNumbersIsReadAsItIs) {
  auto const features = at::tensor({0.5F, 300.0F, -1.0F, 2.0F}).view({2, 2});
  Dataset const data("table", features, rows({0, 1}), {"a", "b"});
  EXPECT_TRUE(at::equal(data.gather(rows({1, 0})), features.flip(0)));
}

// Wrong: an index beyond the end reads foreign memory.
TEST(Dataset, RefusesASampleThatIsNotThere) {
  auto const data = stored();
  for (std::int64_t const bad : {std::int64_t{-1}, kCount}) {
    auto const message = message_of<c10::IndexError>([&] { static_cast<void>(data.gather(rows({0, bad, 1}))); });
    test::expect_mentions(message, {"levels", "no sample " + std::to_string(bad), "5"});
    EXPECT_THROW(static_cast<void>(data.select(rows({bad}))), c10::Error);
    auto const turned = data.with(data.data().transpose(2, 3), data.labels());
    EXPECT_THROW(static_cast<void>(turned.gather(rows({bad}))), c10::Error);
  }
  EXPECT_THROW(static_cast<void>(data.slice(3, 3)), c10::Error);
}

TEST(Dataset, RefusesAnotherNumberOfLabelsThanSamples) {
  auto const data = stored();
  auto const message =
      message_of<DataError>([&] { static_cast<void>(data.with(data.data(), data.labels().narrow(0, 0, 3))); });
  test::expect_mentions(message, {"levels", "5 samples", "3 labels"});

  test::TemporaryFolder const folder;
  auto const images = folder.put("images.idx", test::make_idx({2, 1, 1}, "ab"));
  auto const labels = folder.put("labels.idx", test::make_idx({3}, std::string(3, '\0')));
  EXPECT_THROW(static_cast<void>(Dataset::from("short", read_idx_pair(images, labels))), DataError);
}

TEST(Dataset, ConcatenatesOnlyWhatFits) {
  auto const data = stored();
  auto const both = concatenate("both", {data, data.select(rows({1}))});
  EXPECT_EQ(both.size(), kCount + 1);
  EXPECT_TRUE(at::equal(both.gather(rows({kCount})), expected({1})));
  Dataset const table("table", at::rand({2, 3}), rows({0, 1}), {});
  auto const floats = data.with(Dataset::to_input(data.data()), data.labels());  // the same shape, another type
  for (auto const& other : {table, floats.renamed("table")})
    test::expect_mentions(message_of<ConfigError>([&] {
                            static_cast<void>(concatenate("x", {data, other}));
                          }),
                          {"'levels'", "'table'"});
}

}  // namespace
}  // namespace mneme
