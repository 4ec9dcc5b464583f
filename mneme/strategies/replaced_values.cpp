#include "mneme/strategies/replaced_values.hpp"

#include <torch/types.h>

namespace mneme {

void ReplacedValues::replace(at::Tensor const& value, at::Tensor const& other) {
  at::NoGradGuard const no_grad;
  kept_ = value.clone();
  value.copy_(other);
}

void ReplacedValues::restore(at::Tensor const& value) {
  if (!kept_.defined()) return;
  at::NoGradGuard const no_grad;
  value.copy_(kept_);
  kept_ = at::Tensor();
}

}  // namespace mneme
