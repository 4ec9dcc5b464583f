// Transposed convolution over the arena: what a convolution does to gradients, done to values; it enlarges maps.
#pragma once

#include <string>

#include "mneme/nets/layers.hpp"

namespace mneme {

/// y = act(conv_transpose(x, W) + b), x [N, in, H, W], W [in, out, k, k], y [N, out, s (H - 1) + k - 2 p, …], square
/// stride s and padding p.
class ConvTranspose2d {
 public:
  ConvTranspose2d(ParameterArena& arena, std::string const& name, std::int64_t in, std::int64_t out,
                  std::int64_t kernel, std::int64_t stride, std::int64_t padding,
                  Activation activation = Activation::kNone);
  [[nodiscard]] at::Tensor forward(at::Tensor const& x) const;
  /// Uniform in +-1/sqrt(out k k), the default of the PyTorch layer.
  void initialise(at::Generator& generator) const;

 private:
  friend struct ConvTranspose2dNode;
  ParameterArena* arena_;
  int weight_, bias_;
  std::int64_t kernel_, stride_, padding_;
  Activation activation_;
};

}  // namespace mneme
