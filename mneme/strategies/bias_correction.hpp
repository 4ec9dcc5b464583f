// Two numbers that correct the outputs of some classes: f_c <- a f_c + b. Wu et al. 2019, arXiv:1905.13260, eqs. 4, 5.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <set>

#include "mneme/nets/archive.hpp"

namespace mneme {

struct ScaleAndShift {
  double a = 1, b = 0;
};

/// argmin over (a, b) of the mean over samples of CE(softmax(f'), y) + (ridge / 2) ((a - 1)^2 + b^2), where f' = a f +
/// b at the outputs in `corrected` and f at the others. logits [N, K], labels int64 [N], corrected bool [K]; solved in
/// double on the CPU by Newton's method, which converges for ridge > 0: the objective is strictly convex.
[[nodiscard]] ScaleAndShift fit_bias(at::Tensor const& logits, at::Tensor const& labels, at::Tensor const& corrected,
                                     double ridge);

class BiasCorrection {
 public:
  BiasCorrection() = default;
  BiasCorrection(std::set<std::int64_t> classes, ScaleAndShift values)
      : classes_(std::move(classes)), values_(values) {}
  /// Corrected logits [N, C]; undefined where there is nothing to correct.
  [[nodiscard]] at::Tensor apply(at::Tensor const& logits) const;
  [[nodiscard]] ScaleAndShift values() const { return values_; }
  [[nodiscard]] std::set<std::int64_t> const& classes() const { return classes_; }
  void state(Archive& archive);

 private:
  std::set<std::int64_t> classes_;
  ScaleAndShift values_;
  mutable at::Tensor columns_;  // of the classes, on the device where they were asked for
};

}  // namespace mneme
