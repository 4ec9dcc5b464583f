// Measures of generated images: if these fail, a published-looking figure is another one.
#include "mneme/eval/generative.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "mneme/core/errors.hpp"

namespace mneme {
namespace {

using Rows = std::vector<std::array<double, 2>>;

at::Tensor tensor(Rows const& rows) {
  std::vector<double> flat;
  for (auto const& row : rows) flat.insert(flat.end(), row.begin(), row.end());
  return at::tensor(flat, at::kDouble).view({-1, 2});
}

/// Mean and covariance (N - 1) by plain loops: {m0, m1, s00, s01, s11}.
std::array<double, 5> moments(Rows const& rows) {
  auto const n = static_cast<double>(rows.size());
  double m0 = 0, m1 = 0, s00 = 0, s01 = 0, s11 = 0;
  for (auto const& r : rows) m0 += r[0] / n, m1 += r[1] / n;
  for (auto const& r : rows) {
    s00 += (r[0] - m0) * (r[0] - m0) / (n - 1);
    s01 += (r[0] - m0) * (r[1] - m1) / (n - 1);
    s11 += (r[1] - m1) * (r[1] - m1) / (n - 1);
  }
  return {m0, m1, s00, s01, s11};
}

// In two dimensions tr (S_a S_b)^(1/2) = sqrt(tr M + 2 sqrt(det M)) with M = S_a S_b, whatever their axes.
TEST(FrechetDistance, EqualsTheClosedFormInTwoDimensions) {
  Rows const a = {{0, 1}, {2, 0.5}, {-1, 3}, {0.5, -2}, {4, 1}}, b = {{1, 1}, {3, 2.5}, {-2, 0}, {5, 6}};
  auto const p = moments(a), q = moments(b);
  double const trace = p[2] * q[2] + 2 * p[3] * q[3] + p[4] * q[4];
  double const det = (p[2] * p[4] - p[3] * p[3]) * (q[2] * q[4] - q[3] * q[3]);
  double const expected = (p[0] - q[0]) * (p[0] - q[0]) + (p[1] - q[1]) * (p[1] - q[1]) + p[2] + p[4] + q[2] + q[4] -
                          2 * std::sqrt(trace + 2 * std::sqrt(det));
  EXPECT_NEAR(frechet_distance(tensor(a), tensor(b)), expected, 1e-9);
  EXPECT_NEAR(frechet_distance(tensor(b), tensor(a)), expected, 1e-9);
  EXPECT_NEAR(frechet_distance(tensor(a), tensor(a)), 0, 1e-9);
  EXPECT_THROW(static_cast<void>(frechet_distance(tensor({{1, 2}}), tensor(b))), ConfigError);
}

TEST(ClassScore, IsOneForEqualImagesAndTheNumberOfClassesForSureOnes) {
  EXPECT_NEAR(class_score(at::tensor({0.7, 0.3, 0.7, 0.3}, at::kDouble).view({2, 2})), 1, 1e-12);
  EXPECT_NEAR(class_score(at::eye(3)), 3, 1e-6);
  double const kl = 0.9 * std::log(0.9 / 0.55) + 0.1 * std::log(0.1 / 0.45);
  double const other = 0.2 * std::log(0.2 / 0.55) + 0.8 * std::log(0.8 / 0.45);
  EXPECT_NEAR(class_score(at::tensor({0.9, 0.1, 0.2, 0.8}, at::kDouble).view({2, 2})), std::exp((kl + other) / 2),
              1e-12);
}

// Real samples 0, 1, 3, 7; second nearest of the others: 3, 2, 3, 6. Generated 2.5: within 3 of 0 and 3, within 2 of 1,
// within 6 of 7. Generated -2.5: within 3 of 0 alone.
TEST(DensityCoverage, EqualsTheCountByHand) {
  auto const real = at::tensor({0.0, 1.0, 3.0, 7.0}, at::kDouble).view({4, 1});
  auto const both = density_coverage(real, at::tensor({2.5, -2.5}, at::kDouble).view({2, 1}), 2);
  EXPECT_DOUBLE_EQ(both.density, 5.0 / (2 * 2));
  EXPECT_DOUBLE_EQ(both.coverage, 1);
  auto const left = density_coverage(real, at::tensor({-2.5}, at::kDouble).view({1, 1}), 2);
  EXPECT_DOUBLE_EQ(left.density, 0.5);
  EXPECT_DOUBLE_EQ(left.coverage, 0.25);
  EXPECT_THROW(static_cast<void>(density_coverage(real, real, 4)), ConfigError);
}

TEST(ImageErrors, EqualTheValuesByHand) {
  auto const a = at::tensor({0.0, 0.5, 1.0, 1.0}, at::kDouble).view({2, 1, 1, 2});
  auto const b = at::tensor({0.1, 0.5, 0.0, 1.0}, at::kDouble).view({2, 1, 1, 2});
  EXPECT_NEAR(mean_squared_error(a, b), (0.01 + 1) / 4, 1e-12);
  EXPECT_NEAR(psnr(a, b), (10 * std::log10(1 / 0.005) + 10 * std::log10(1 / 0.5)) / 2, 1e-9);
  EXPECT_THROW(static_cast<void>(psnr(a, b.narrow(0, 0, 1))), ConfigError);
}

TEST(Ssim, EqualsPlainLoops) {
  constexpr int kHeight = 12, kWidth = 13;
  std::vector<double> x, y;
  for (int i = 0; i < kHeight * kWidth; ++i) {
    x.push_back(0.5 + 0.5 * std::sin(0.7 * i));
    y.push_back(0.4 + 0.3 * std::sin(0.7 * i + 0.5) + 0.002 * (i % kWidth));
  }
  double weights[11][11], sum = 0;
  for (int i = 0; i < 11; ++i)
    for (int j = 0; j < 11; ++j)
      sum += weights[i][j] = std::exp(-((i - 5) * (i - 5) + (j - 5) * (j - 5)) / (2 * 1.5 * 1.5));
  double total = 0;
  for (int top = 0; top < 2; ++top)
    for (int left = 0; left < 3; ++left) {
      double mx = 0, my = 0, sx = 0, sy = 0, sxy = 0;
      auto const each = [&](auto add) {
        for (int i = 0; i < 11; ++i)
          for (int j = 0; j < 11; ++j) {
            auto const at = static_cast<std::size_t>((top + i) * kWidth + left + j);
            add(weights[i][j] / sum, x[at], y[at]);
          }
      };
      each([&](double w, double a, double b) { mx += w * a, my += w * b; });
      each([&](double w, double a, double b) {
        sx += w * (a - mx) * (a - mx), sy += w * (b - my) * (b - my), sxy += w * (a - mx) * (b - my);
      });
      total += (2 * mx * my + 1e-4) * (2 * sxy + 9e-4) / ((mx * mx + my * my + 1e-4) * (sx + sy + 9e-4));
    }
  auto const image = [&](std::vector<double> const& v) {
    return at::tensor(v, at::kDouble).view({1, 1, kHeight, kWidth});
  };
  EXPECT_NEAR(ssim(image(x), image(y)), total / 6, 1e-9);
  EXPECT_NEAR(ssim(image(x), image(x)), 1, 1e-12);
  EXPECT_THROW(static_cast<void>(ssim(at::ones({1, 1, 8, 8}), at::ones({1, 1, 8, 8}))), ConfigError);
}

// The mean of each image's own values is the value of the set; images do not mix.
TEST(Generative, FiguresOfEachImageAreThoseOfTheImageAlone) {
  auto g = at::detail::createCPUGenerator(5);
  auto const a = at::rand({3, 2, 12, 14}, g, at::kFloat), b = at::rand({3, 2, 12, 14}, g, at::kFloat);
  auto const p = psnr_of_each(a, b), s = ssim_of_each(a, b);
  for (std::int64_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(p[i].item<double>(), psnr(a.narrow(0, i, 1), b.narrow(0, i, 1)), 1e-12);
    EXPECT_NEAR(s[i].item<double>(), ssim(a.narrow(0, i, 1), b.narrow(0, i, 1)), 1e-12);
  }
  EXPECT_NEAR(s.mean().item<double>(), ssim(a, b), 1e-12);
  EXPECT_TRUE(has_ssim({1, 11, 11}));
  EXPECT_FALSE(has_ssim({1, 11, 10}));
}

TEST(Generative, NearestDistanceIsToTheNearestOfTheOthers) {
  auto const x = at::tensor({0.0F, 0.0F, 1.0F, 1.0F}).view({2, 1, 1, 2});
  auto const others = at::tensor({3.0F, 4.0F, 1.0F, 1.0F, 0.0F, 0.5F}).view({3, 1, 1, 2});
  auto const found = nearest_distance(x, others);
  EXPECT_NEAR(found[0].item<double>(), 0.5, 1e-6);
  EXPECT_NEAR(found[1].item<double>(), 0.0, 1e-6) << "a copy";
}

}  // namespace
}  // namespace mneme
