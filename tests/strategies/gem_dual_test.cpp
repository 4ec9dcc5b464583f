// The dual of GEM: if these fail, the projected gradient is not the nearest one that the past tasks allow.
#include "mneme/strategies/gem_dual.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "mneme/core/errors.hpp"

namespace mneme {
namespace {

struct Problem {
  std::size_t k;
  std::vector<double> a, b;

  [[nodiscard]] double gradient(std::vector<double> const& v, std::size_t i) const {
    double u = b[i];
    for (std::size_t j = 0; j < k; ++j) u += a[i * k + j] * v[j];
    return u;
  }
  [[nodiscard]] double value(std::vector<double> const& v) const {
    double sum = 0;
    for (std::size_t i = 0; i < k; ++i) sum += 0.5 * v[i] * (gradient(v, i) + b[i]);
    return sum;
  }
  [[nodiscard]] double scale() const {
    double most = 0;
    for (double const x : a) most = std::max(most, std::abs(x));
    for (double const x : b) most = std::max(most, std::abs(x));
    return most;
  }
};

/// A = G G' + ridge I and b = G g of random rows that point partly the same way, as gradients of tasks do.
Problem random_problem(std::size_t k, std::mt19937_64& engine, double ridge = 1e-3) {
  std::normal_distribution<double> normal;
  constexpr std::size_t kWidth = 6;
  std::vector<double> g(kWidth), rows(k * kWidth), common(kWidth);
  for (double& x : g) x = normal(engine);
  for (double& x : common) x = normal(engine);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = normal(engine) + common[i % kWidth];
  Problem p{k, std::vector<double>(k * k), std::vector<double>(k)};
  for (std::size_t i = 0; i < k; ++i) {
    for (std::size_t j = 0; j < k; ++j) {
      for (std::size_t m = 0; m < kWidth; ++m) p.a[i * k + j] += rows[i * kWidth + m] * rows[j * kWidth + m];
    }
    for (std::size_t m = 0; m < kWidth; ++m) p.b[i] += rows[i * kWidth + m] * g[m];
    p.a[i * k + i] += ridge;
  }
  return p;
}

/// The least value over all 2^k choices of variables at the bound, of those that are feasible.
std::vector<double> brute_force(Problem const& p, double margin) {
  std::vector<double> best;
  for (unsigned set = 0; set < (1U << p.k); ++set) {
    std::vector<std::size_t> index;
    for (std::size_t i = 0; i < p.k; ++i)
      if ((set >> i) & 1U) index.push_back(i);
    std::vector<double> v(p.k, margin);
    auto const n = index.size();
    // Gauss with pivots on A_ff x = -b_f - A_fb margin.
    std::vector<std::vector<double>> m(n, std::vector<double>(n + 1));
    for (std::size_t i = 0; i < n; ++i) {
      m[i][n] = -p.b[index[i]];
      for (std::size_t j = 0; j < p.k; ++j)
        if (((set >> j) & 1U) == 0) m[i][n] -= p.a[index[i] * p.k + j] * margin;
      for (std::size_t j = 0; j < n; ++j) m[i][j] = p.a[index[i] * p.k + index[j]];
    }
    for (std::size_t c = 0; c < n; ++c) {
      std::size_t pivot = c;
      for (std::size_t i = c + 1; i < n; ++i)
        if (std::abs(m[i][c]) > std::abs(m[pivot][c])) pivot = i;
      std::swap(m[c], m[pivot]);
      for (std::size_t i = 0; i < n; ++i) {
        if (i == c) continue;
        double const f = m[i][c] / m[c][c];
        for (std::size_t j = c; j <= n; ++j) m[i][j] -= f * m[c][j];
      }
    }
    bool feasible = true;
    for (std::size_t i = 0; i < n; ++i) {
      v[index[i]] = m[i][n] / m[i][i];
      feasible = feasible && v[index[i]] >= margin;
    }
    if (feasible && (best.empty() || p.value(v) < p.value(best))) best = v;
  }
  return best;
}

TEST(GemDual, OfTwoTasksEqualsTheHandComputedSolution) {
  // Rows (1, 0) and (0, 1), g = (-2, 3): only the first task objects, and its part is taken away whole.
  EXPECT_EQ(solve_dual({1, 0, 0, 1}, {-2, 3}, 0), (std::vector<double>{2, 0}));
  // A margin is a lower bound on both.
  EXPECT_EQ(solve_dual({1, 0, 0, 1}, {-2, 3}, 0.5), (std::vector<double>{2, 0.5}));
  // Coupled: 2 v_1 + v_2 = 3 and v_1 + 2 v_2 = 3.
  auto const v = solve_dual({2, 1, 1, 2}, {-3, -3}, 0);
  EXPECT_NEAR(v[0], 1, 1e-12);
  EXPECT_NEAR(v[1], 1, 1e-12);
}

TEST(GemDual, MeetsTheConditionsOfAMinimum) {
  std::mt19937_64 engine(1);
  for (std::size_t k = 1; k <= 24; ++k) {
    for (int repeat = 0; repeat < 40; ++repeat) {
      auto const p = random_problem(k, engine);
      double const margin = repeat % 2 == 0 ? 0 : 0.5, tolerance = 1e-9 * p.scale();
      auto const v = solve_dual(p.a, p.b, margin);
      for (std::size_t i = 0; i < k; ++i) {
        auto const u = p.gradient(v, i);
        EXPECT_GE(v[i], margin) << "below its bound";
        EXPECT_GE(u, -tolerance) << "the objective still falls in variable " << i << " of " << k;
        if (v[i] > margin) {
          EXPECT_LE(u, tolerance) << "variable " << i << " of " << k << " is off its bound without need";
        }
      }
    }
  }
}

TEST(GemDual, EqualsTheBestOfAllActiveSets) {
  std::mt19937_64 engine(2);
  for (std::size_t k = 1; k <= 4; ++k) {
    for (int repeat = 0; repeat < 100; ++repeat) {
      auto const p = random_problem(k, engine);
      double const margin = repeat % 2 == 0 ? 0 : 0.5;
      auto const v = solve_dual(p.a, p.b, margin), best = brute_force(p, margin);
      for (std::size_t i = 0; i < k; ++i) EXPECT_NEAR(v[i], best[i], 1e-8 * (1 + std::abs(best[i])));
    }
  }
}

TEST(GemDual, RefusesWhatHasNoMinimum) {
  auto const nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(static_cast<void>(solve_dual({1}, {nan}, 0)), NumericError);
  EXPECT_THROW(static_cast<void>(solve_dual({-1}, {-1}, 0)), NumericError);
}

}  // namespace
}  // namespace mneme
