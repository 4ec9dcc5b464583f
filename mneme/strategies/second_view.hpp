// Another view of images: each moved by a random number of pixels, half of them mirrored.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>

namespace mneme {

/// x [N, C, H, W], each image moved by -shift..shift pixels in both directions (uniform; 0 comes in from outside) and,
/// with `flip`, mirrored left to right with probability 1/2. Anything but images is given back as it is.
[[nodiscard]] at::Tensor second_view(at::Tensor const& x, std::int64_t shift, bool flip, at::Generator& generator);

}  // namespace mneme
