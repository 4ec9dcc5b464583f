#include "mneme/strategies/gem_dual.hpp"

#include <algorithm>
#include <cmath>

#include "mneme/core/errors.hpp"

namespace mneme {
namespace {

/// In w = v - margin, where the bound is 0: the active-set method of non-negative least squares (Lawson and Hanson
/// 1974, ch. 23) on the normal equations. Free variables are those off the bound; each is let off by the sign of its
/// gradient, and the way to the minimum over the free ones ends where one of them would cross the bound. The objective
/// falls with every round, so no set of free variables comes back and the method ends.
class ActiveSet {
 public:
  ActiveSet(std::vector<double> const& a, std::vector<double> const& b, double margin)
      : k_(b.size()), a_(a), c_(b), w_(k_, 0.0), free_(k_, false), refused_(k_, false) {
    for (std::size_t i = 0; i < k_; ++i) {
      for (std::size_t j = 0; j < k_; ++j) c_[i] += margin * a_[i * k_ + j];
    }
  }

  std::vector<double> solve() {
    // Rounds are few: about as many as there are variables that end off the bound.
    for (std::size_t round = 0; round < 100 * (k_ + 1); ++round) {
      auto const i = most_wanting();
      if (i == k_) return w_;
      free_[i] = true;
      auto const target = minimum();
      if (target[i] <= 0) {  // its gradient was rounding: let off, it would turn back at once
        free_[i] = false;
        refused_[i] = true;
        continue;
      }
      refused_.assign(k_, false);
      descend(target);
    }
    throw NumericError("gem: the dual of " + std::to_string(k_) +
                       " past tasks was not solved; the gradients on the memories are nearly dependent. Raise ridge");
  }

 private:
  /// The bound variable that the objective falls in fastest; k where none does.
  [[nodiscard]] std::size_t most_wanting() const {
    std::size_t best = k_;
    double least = 0;
    for (std::size_t i = 0; i < k_; ++i) {
      if (free_[i] || refused_[i]) continue;
      double u = c_[i], size = std::abs(u);
      for (std::size_t j = 0; j < k_; ++j) {
        double const term = a_[i * k_ + j] * w_[j];
        u += term;
        size += std::abs(term);
      }
      if (u < least && u < -1e-12 * size) {
        least = u;
        best = i;
      }
    }
    return best;
  }

  /// Moves to the minimum over the free variables, giving up those that meet the bound on the way.
  void descend(std::vector<double> target) {
    for (;; target = minimum()) {
      double step = 1;
      std::size_t blocking = k_;
      for (std::size_t i = 0; i < k_; ++i) {
        if (!free_[i] || target[i] > 0) continue;
        double const reach = w_[i] / (w_[i] - target[i]);
        if (blocking == k_ || reach < step) {
          step = reach;
          blocking = i;
        }
      }
      if (blocking == k_) {
        w_ = target;
        return;
      }
      for (std::size_t i = 0; i < k_; ++i) w_[i] += step * (target[i] - w_[i]);
      w_[blocking] = 0;
      free_[blocking] = false;
    }
  }

  /// Solves A_ff w_f = -c_f over the free variables by Cholesky's decomposition; bound ones are 0.
  [[nodiscard]] std::vector<double> minimum() const {
    std::vector<std::size_t> index;
    for (std::size_t i = 0; i < k_; ++i)
      if (free_[i]) index.push_back(i);
    auto const n = index.size();
    std::vector<double> l(n * n), x(n);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j <= i; ++j) {
        double sum = a_[index[i] * k_ + index[j]];
        for (std::size_t m = 0; m < j; ++m) sum -= l[i * n + m] * l[j * n + m];
        if (i == j && !(sum > 0))
          throw NumericError(
              "gem: the products of the gradients on the memories are not positive definite. The model has diverged "
              "(lower the learning rate), or ridge is too small");
        l[i * n + j] = i == j ? std::sqrt(sum) : sum / l[j * n + j];
      }
    }
    for (std::size_t i = 0; i < n; ++i) {
      x[i] = -c_[index[i]];
      for (std::size_t m = 0; m < i; ++m) x[i] -= l[i * n + m] * x[m];
      x[i] /= l[i * n + i];
    }
    for (std::size_t i = n; i-- > 0;) {
      for (std::size_t m = i + 1; m < n; ++m) x[i] -= l[m * n + i] * x[m];
      x[i] /= l[i * n + i];
    }
    std::vector<double> w(k_, 0.0);
    for (std::size_t i = 0; i < n; ++i) w[index[i]] = x[i];
    return w;
  }

  std::size_t k_;
  std::vector<double> const& a_;
  std::vector<double> c_;  // b + A margin
  std::vector<double> w_;
  std::vector<bool> free_, refused_;
};

}  // namespace

std::vector<double> solve_dual(std::vector<double> const& a, std::vector<double> const& b, double margin) {
  auto const finite = [](double x) { return std::isfinite(x); };
  if (!std::all_of(a.begin(), a.end(), finite) || !std::all_of(b.begin(), b.end(), finite))
    throw NumericError("gem: a product of gradients is not finite. The model has diverged; lower the learning rate");
  auto v = ActiveSet(a, b, margin).solve();
  for (double& x : v) x += margin;
  return v;
}

}  // namespace mneme
