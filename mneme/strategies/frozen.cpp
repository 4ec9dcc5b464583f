#include "mneme/strategies/frozen.hpp"

#include <torch/types.h>

#include <utility>

namespace mneme {

void FrozenElements::hold(at::Tensor frozen, at::Tensor const& value) {
  frozen_ = std::move(frozen);
  kept_ = value.clone();
}

void FrozenElements::release() { frozen_ = kept_ = at::Tensor(); }

void FrozenElements::mask(at::Tensor const& gradient) const {
  if (frozen_.defined()) gradient.masked_fill_(frozen_, 0);
}

void FrozenElements::restore(at::Tensor const& value) const {
  if (!frozen_.defined()) return;
  at::Tensor out = value;
  at::where_out(out, frozen_, kept_, value);
}

}  // namespace mneme
