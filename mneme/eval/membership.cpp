#include "mneme/eval/membership.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace mneme {
namespace {

std::array<double, 3> as_array(AnswerFeatures const& s) { return {s.loss, s.confidence, s.entropy}; }

/// Solves a x = b by elimination with row pivots.
template <std::size_t N>
std::array<double, N> solve(std::array<std::array<double, N>, N> a, std::array<double, N> b) {
  for (std::size_t i = 0; i < N; ++i) {
    std::size_t pivot = i;
    for (std::size_t r = i + 1; r < N; ++r)
      if (std::abs(a[r][i]) > std::abs(a[pivot][i])) pivot = r;
    std::swap(a[i], a[pivot]);
    std::swap(b[i], b[pivot]);
    for (std::size_t r = i + 1; r < N; ++r) {
      double const factor = a[r][i] / a[i][i];
      for (std::size_t c = i; c < N; ++c) a[r][c] -= factor * a[i][c];
      b[r] -= factor * b[i];
    }
  }
  for (std::size_t i = N; i-- > 0;) {
    for (std::size_t c = i + 1; c < N; ++c) b[i] -= a[i][c] * b[c];
    b[i] /= a[i][i];
  }
  return b;
}

double logistic(double z) { return z >= 0 ? 1 / (1 + std::exp(-z)) : std::exp(z) / (1 + std::exp(z)); }

}  // namespace

double area_under_curve(std::span<double const> positive, std::span<double const> negative) {
  if (positive.empty() || negative.empty()) return std::nan("");
  std::vector<double> below(negative.begin(), negative.end());
  std::sort(below.begin(), below.end());
  double wins = 0;
  for (double const value : positive) {
    auto const [first, last] = std::equal_range(below.begin(), below.end(), value);
    wins += static_cast<double>(first - below.begin()) + 0.5 * static_cast<double>(last - first);
  }
  return wins / static_cast<double>(positive.size()) / static_cast<double>(negative.size());
}

double loss_attack(std::span<AnswerFeatures const> members, std::span<AnswerFeatures const> others) {
  auto const scores = [](std::span<AnswerFeatures const> samples) {
    std::vector<double> list;
    for (auto const& s : samples) list.push_back(-s.loss);
    return list;
  };
  return area_under_curve(scores(members), scores(others));
}

MembershipAttacker::MembershipAttacker(std::span<AnswerFeatures const> members,
                                       std::span<AnswerFeatures const> others) {
  scale_.fill(1);
  if (members.empty() || others.empty()) return;
  auto const all = static_cast<double>(members.size() + others.size());
  for (auto side : {members, others})
    for (auto const& s : side)
      for (std::size_t f = 0; f < kFeatures; ++f) mean_[f] += as_array(s)[f] / all;
  std::array<double, kFeatures> squares{};
  for (auto side : {members, others})
    for (auto const& s : side)
      for (std::size_t f = 0; f < kFeatures; ++f) squares[f] += std::pow(as_array(s)[f] - mean_[f], 2) / all;
  for (std::size_t f = 0; f < kFeatures; ++f) scale_[f] = squares[f] > 0 ? std::sqrt(squares[f]) : 1;

  constexpr double kRidge = 1e-3;
  constexpr int kSteps = 50;
  for (int step = 0; step < kSteps; ++step) {
    std::array<double, kFeatures + 1> gradient{};
    std::array<std::array<double, kFeatures + 1>, kFeatures + 1> hessian{};
    for (std::size_t f = 0; f <= kFeatures; ++f) {
      gradient[f] = kRidge * weight_[f];
      hessian[f][f] = kRidge;
    }
    auto const add = [&](std::span<AnswerFeatures const> side, double label) {
      double const share = 0.5 / static_cast<double>(side.size());
      for (auto const& s : side) {
        auto const x = standardised(s);
        double z = 0;
        for (std::size_t f = 0; f <= kFeatures; ++f) z += weight_[f] * x[f];
        double const p = logistic(z);
        for (std::size_t i = 0; i <= kFeatures; ++i) {
          gradient[i] += share * (p - label) * x[i];
          for (std::size_t j = 0; j <= kFeatures; ++j) hessian[i][j] += share * p * (1 - p) * x[i] * x[j];
        }
      }
    };
    add(members, 1);
    add(others, 0);
    auto const change = solve(hessian, gradient);
    double size = 0;
    for (std::size_t f = 0; f <= kFeatures; ++f) {
      weight_[f] -= change[f];
      size += std::abs(change[f]);
    }
    if (size < 1e-10) return;
  }
}

std::array<double, MembershipAttacker::kFeatures + 1> MembershipAttacker::standardised(AnswerFeatures const& s) const {
  std::array<double, kFeatures + 1> x{};
  for (std::size_t f = 0; f < kFeatures; ++f) x[f] = (as_array(s)[f] - mean_[f]) / scale_[f];
  x[kFeatures] = 1;
  return x;
}

double MembershipAttacker::score(AnswerFeatures const& sample) const {
  auto const x = standardised(sample);
  double z = 0;
  for (std::size_t f = 0; f <= kFeatures; ++f) z += weight_[f] * x[f];
  return logistic(z);
}

double MembershipAttacker::attack(std::span<AnswerFeatures const> members,
                                  std::span<AnswerFeatures const> others) const {
  auto const scores = [&](std::span<AnswerFeatures const> samples) {
    std::vector<double> list;
    for (auto const& s : samples) list.push_back(score(s));
    return list;
  };
  return area_under_curve(scores(members), scores(others));
}

double accuracy_of(std::span<AnswerFeatures const> samples) {
  if (samples.empty()) return 0;
  auto const right = std::count_if(samples.begin(), samples.end(), [](auto const& s) { return s.right; });
  return static_cast<double>(right) / static_cast<double>(samples.size());
}

}  // namespace mneme
