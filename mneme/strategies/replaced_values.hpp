// ReplacedValues: other parameters for as long as a test set is measured.
#pragma once

#include <ATen/core/Tensor.h>

namespace mneme {

class ReplacedValues {
 public:
  /// Puts `other` [P] into `value` and keeps what stood there.
  void replace(at::Tensor const& value, at::Tensor const& other);
  /// Puts it back; nothing where nothing was replaced.
  void restore(at::Tensor const& value);

 private:
  at::Tensor kept_;
};

}  // namespace mneme
