// What codes say of classes: if these fail, clusters or probes say more or less of a code than there is in it.
#include "mneme/eval/codes.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "mneme/core/errors.hpp"
#include "tests/core/message_of.hpp"

namespace mneme {
namespace {

at::Generator seeded(std::uint64_t seed) { return at::detail::createCPUGenerator(seed); }
at::Tensor numbers(std::vector<std::int64_t> const& values) { return at::tensor(values, at::kLong); }

// I and H worked out by hand: two halves of a split once more.
TEST(MutualInformation, IsTwiceTheSharedOverTheSumOfTheEntropies) {
  auto const a = numbers({0, 0, 0, 0, 1, 1, 1, 1}), fine = numbers({0, 0, 1, 1, 2, 2, 3, 3});
  EXPECT_NEAR(normalised_mutual_information(a, fine), 2 * std::log(2) / (std::log(2) + std::log(4)), 1e-12);
  EXPECT_NEAR(normalised_mutual_information(fine, a), 2 * std::log(2) / (std::log(2) + std::log(4)), 1e-12);
  EXPECT_NEAR(normalised_mutual_information(a, numbers({7, 7, 7, 7, 2, 2, 2, 2})), 1, 1e-12) << "names do not count";
  EXPECT_NEAR(normalised_mutual_information(a, numbers({0, 1, 0, 1, 0, 1, 0, 1})), 0, 1e-12);
  EXPECT_EQ(normalised_mutual_information(numbers({3, 3}), numbers({0, 0})), 1);
}

TEST(KMeans, FindsClustersThatLieApart) {
  auto g = seeded(1), noise = seeded(2);
  auto const truth = at::arange(90, at::kLong).remainder(3);
  auto const centres = at::tensor({0.0F, 0.0F, 10.0F, 0.0F, 0.0F, 10.0F}).view({3, 2});
  auto const x = centres.index_select(0, truth) + at::randn({90, 2}, g, at::kFloat);
  auto const found = k_means(x, 3, noise);
  EXPECT_NEAR(normalised_mutual_information(found, truth), 1, 1e-12);
  EXPECT_EQ(k_means(x, 1, noise).max().item<std::int64_t>(), 0);
  EXPECT_NEAR(normalised_mutual_information(k_means(x.slice(0, 0, 4), 4, noise), at::arange(4, at::kLong)), 1, 1e-12);
  EXPECT_NE(message_of<ConfigError>([&] { static_cast<void>(k_means(x, 91, noise)); }).find("91 clusters of 90"),
            std::string::npos);
  EXPECT_EQ(k_means(at::zeros({5, 2}), 3, noise).size(0), 5) << "equal rows have no distance to choose by";
}

TEST(Probe, IsALinearClassifier) {
  auto g = seeded(3);
  auto const label = at::arange(400, at::kLong).remainder(4);
  auto const directions = at::randn({4, 6}, g, at::kFloat) * 4;
  auto const x = directions.index_select(0, label) + at::randn({400, 6}, g, at::kFloat);
  auto const scaled = x * at::tensor({1e-3F, 1.0F, 50.0F, 1.0F, 1.0F, 1.0F}) + 100;
  auto const accuracy = [&](at::Tensor const& codes) {
    return probe_accuracy(codes.slice(0, 0, 40), label.slice(0, 0, 40), codes.slice(0, 40), label.slice(0, 40));
  };
  EXPECT_GT(accuracy(x), 0.97);
  EXPECT_NEAR(accuracy(scaled), accuracy(x), 1e-9) << "the units of a code do not count";
  auto const noise = at::randn({400, 6}, g, at::kFloat);
  EXPECT_LT(accuracy(noise), 0.4);
  // By hand: codes -1, -1, 1, 1 of classes 0, 0, 1, 1 put the border at 0, whatever the ridge.
  auto const line = at::tensor({-1.0F, -1.0F, 1.0F, 1.0F}).view({4, 1});
  auto const test = at::tensor({-0.1F, 0.1F, -3.0F, 0.2F}).view({4, 1});
  EXPECT_DOUBLE_EQ(probe_accuracy(line, numbers({0, 0, 1, 1}), test, numbers({0, 1, 1, 1})), 0.75);
}

}  // namespace
}  // namespace mneme
