// train: the loop, optimizers over the arena, checkpoints, observers. Knows strategies and learners by interface only.
//
// Optimizers over the arena: one fused pass over [P] rows, or over the segments of a stage. Frozen segments are not
// touched at all, so they stay bit-equal whatever momentum or decay says.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "mneme/core/options.hpp"
#include "mneme/nets/archive.hpp"
#include "mneme/nets/arena.hpp"

namespace mneme {

struct OptimizerOptions {
  std::string optimizer = "adam";
  double learning_rate = 1e-3;
  double momentum = 0.0;
  bool nesterov = false;
  double weight_decay = 0.0;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  std::string schedule = "constant";
  std::int64_t warmup_steps = 0;
  double final_scale = 0.0;
  void describe(OptionVisitor& v);
};

/// Factor of the learning rate at step `step` (0-based) of `total` in a stage.
///   constant 1 · linear 1 -> final · cosine final + (1 - final)(1 + cos(pi s/S))/2 · warm-up linear from 1/(W+1)
[[nodiscard]] double schedule_factor(OptimizerOptions const& options, std::int64_t step, std::int64_t total);

class ArenaOptimizer {
 public:
  ArenaOptimizer(OptimizerOptions options, ParameterArena& arena);

  /// One update with learning rate `learning_rate`. SGD, Adam, AdamW and RMSprop as torch defines them (AdamW's decay
  /// is decoupled, that of the others is added to the gradient). RMSprop, g the gradient, b the momentum buffer:
  ///   s <- beta2 s + (1 - beta2) g^2,   b <- momentum b + g / (sqrt s + epsilon),   theta <- theta - rate b
  void step(double learning_rate);
  /// Of the part of the gradient that a step takes.
  [[nodiscard]] at::Tensor gradient_norm() const;
  /// Restricts updates to these segments, in rising order; at first it is all of them.
  void restrict_to(std::vector<int> segments);
  /// Moments and counter back to zero.
  void reset();
  void grown(Growth const& growth);
  /// CheckpointError when the stored optimizer is of another kind.
  void state(Archive& archive);
  [[nodiscard]] OptimizerOptions const& options() const { return options_; }

 private:
  void bind();
  void rmsprop(double learning_rate);

  OptimizerOptions options_;
  ParameterArena* arena_;
  std::vector<int> segments_;
  std::vector<at::Tensor> rows_;                // see rows_of
  at::Tensor count_;                            // float scalar, as the fused kernels want it
  std::vector<std::vector<at::Tensor>> views_;  // value, gradient, rows…: by range
  std::vector<at::Tensor> counts_;
};

}  // namespace mneme
