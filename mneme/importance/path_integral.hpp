// What each parameter's path has lowered the loss by, to first order:
//
//   omega_i = - sum over steps of g_i (theta_i(s+1) - theta_i(s))
//
// Between `observe`, which takes the gradient and the weights of the step under way, and `advance`, which takes the
// weights after it, two scratch rows are held; what is kept is omega.
#pragma once

#include "mneme/nets/archive.hpp"
#include "mneme/nets/arena.hpp"

namespace mneme {

class PathIntegral {
 public:
  /// Makes the rows, once.
  void prepare(ParameterArena const& arena);
  void observe(ParameterArena const& arena);
  /// Adds the step that was observed, if one is under way.
  void advance(at::Tensor const& theta);
  /// Starts anew.
  void clear() { omega_.zero_(); }
  /// What has been summed up to now; and back to it, without the steps since then.
  void keep() { kept_ = omega_.defined() ? omega_.clone() : omega_; }
  void restore();
  [[nodiscard]] at::Tensor const& omega() const { return omega_; }  // [P]
  void grown(Growth const& growth);
  void state(Archive& archive);

 private:
  at::Tensor omega_;              // [P]
  at::Tensor kept_;               // [P], of early stop's best epoch; else undefined
  at::Tensor gradient_, before_;  // [P], of the step under way
  bool pending_ = false;
};

}  // namespace mneme
