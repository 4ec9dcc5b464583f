// Layers over the arena. Each is one autograd node that keeps its input and writes its parameters' gradient straight
// into the arena's open sink, as a sum or as a sum of per-sample squares or absolute values (importance). Those of a
// Linear layer are one product, sum_n g_n^2 = (delta o delta)' (a o a) and sum_n |g_n| = |delta|' |a|; a convolution
// forms its per-sample products from the unfolded input. Gradients of gradients are not available through these layers:
// use `ParameterArena::leaf` for that.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "mneme/nets/arena.hpp"

namespace mneme {

enum class Activation { kNone, kRelu };

/// y = act(x W' + b), x [N, in], W [out, in], y [N, out].
class Linear {
 public:
  Linear(ParameterArena& arena, std::string const& name, std::int64_t in, std::int64_t out,
         Activation activation = Activation::kNone);
  /// Over segments that the arena has already: "<name>.weight" and "<name>.bias".
  Linear(ParameterArena& arena, std::string const& name, Activation activation = Activation::kNone);
  [[nodiscard]] at::Tensor forward(at::Tensor const& x) const;
  /// Uniform in +-1/sqrt(in) for weight and bias, the default of the PyTorch layer.
  void initialise(at::Generator& generator) const;
  [[nodiscard]] int weight() const { return weight_; }
  [[nodiscard]] int bias() const { return bias_; }

 private:
  friend struct LinearNode;
  ParameterArena* arena_;
  int weight_, bias_;
  Activation activation_;
};

/// y = act(conv(x, W) + b), x [N, in, H, W], W [out, in, k, k], square stride and padding; without `bias` b is not
/// there.
class Conv2d {
 public:
  Conv2d(ParameterArena& arena, std::string const& name, std::int64_t in, std::int64_t out, std::int64_t kernel,
         std::int64_t stride, std::int64_t padding, Activation activation = Activation::kNone, bool bias = true);
  [[nodiscard]] at::Tensor forward(at::Tensor const& x) const;
  void initialise(at::Generator& generator) const;

 private:
  friend struct Conv2dNode;
  ParameterArena* arena_;
  int weight_;
  int bias_;  // -1: none
  std::int64_t kernel_, stride_, padding_;
  Activation activation_;
};

/// Mean (or sum) over the batch of -log softmax(logits)[n, labels[n]], one node with a closed-form gradient.
/// logits [N, C] float, labels [N] int64.
[[nodiscard]] at::Tensor cross_entropy(at::Tensor const& logits, at::Tensor const& labels, bool mean = true);

}  // namespace mneme
