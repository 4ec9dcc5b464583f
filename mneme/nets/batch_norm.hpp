// Batch normalisation (Ioffe and Szegedy 2015, arXiv:1502.03167) over the arena.
//
//   training     y = act(w (x - m_B) / sqrt(v_B + eps) + b), m_B and v_B over the batch and all positions of a channel
//                m <- 0.9 m + 0.1 m_B,  v <- 0.9 v + 0.1 v_B n / (n - 1)
//   evaluation   y = act(w (x - m) / sqrt(v + eps) + b)                                                eps = 1e-5
//
// w and b are parameters; m and v are buffers of the arena: part of the state, of no gradient. They move in forward
// passes with ForwardContext::training and in no other: not in evaluation, not in a teacher's or a scoring pass, not
// while importance is estimated. In training a sample's output depends on its whole batch, so a gradient per sample
// does not exist: squares are taken in evaluation mode, and asking for them in training is an error.
#pragma once

#include <string>

#include "mneme/nets/layers.hpp"

namespace mneme {

class BatchNorm {
 public:
  /// Segments "<name>.weight", "<name>.bias"; buffers "<name>.mean", "<name>.variance".
  BatchNorm(ParameterArena& arena, std::string const& name, std::int64_t channels,
            Activation activation = Activation::kNone);
  /// x [N, C, ...]: features, or maps of any size. ConfigError in training where a channel has one value: it has no
  /// variance.
  [[nodiscard]] at::Tensor forward(at::Tensor const& x, bool training) const;
  /// w = 1, b = 0; m = 0, v = 1.
  void initialise() const;

 private:
  friend struct BatchNormNode;
  ParameterArena* arena_;
  int weight_, bias_, mean_, variance_;
  Activation activation_;
};

}  // namespace mneme
