// The largest of 2 x 2, in one pass over the maps.
#pragma once

#include <ATen/core/Tensor.h>

namespace mneme {

/// x [N, C, H, W] -> [N, C, floor(H / 2), floor(W / 2)], to the same bits as at::max_pool2d(x, 2), gradient included:
/// of equal values the first gets it, and a NaN is the largest. It takes about half of torch's time on a processor;
/// elsewhere, and for maps that are not contiguous float32, it is torch's.
[[nodiscard]] at::Tensor max_pool_2x2(at::Tensor const& x);

}  // namespace mneme
