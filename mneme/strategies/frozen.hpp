// FrozenElements: parameters that a stage of training must leave bit for bit, whatever momentum or decay do. Shared by
// the strategies that give parts of the net to tasks.
#pragma once

#include <ATen/core/Tensor.h>

namespace mneme {

class FrozenElements {
 public:
  /// frozen bool [P]; value [P] holds what is to stay. Call it before a step, and again after a checkpoint is loaded:
  /// the frozen elements are then what they were, so nothing of this needs to be stored.
  void hold(at::Tensor frozen, at::Tensor const& value);
  void release();
  [[nodiscard]] bool holding() const { return frozen_.defined(); }

  /// Zeroes the gradient of the frozen elements.
  void mask(at::Tensor const& gradient) const;
  /// Puts the frozen elements back.
  void restore(at::Tensor const& value) const;

 private:
  at::Tensor frozen_, kept_;
};

}  // namespace mneme
