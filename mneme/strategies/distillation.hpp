// Distillation: a net's outputs are taught the softened outputs that another net gave for the same samples.
//
//   KD = - sum_i q_i log p_i,   q = softmax(z_old / T),   p = softmax(z / T)          dKD/dz = (p - q) / T
//
// Hinton, Vinyals and Dean 2015, Distilling the knowledge in a neural network, arXiv:1503.02531, sec. 2: with the
// factor T^2 the gradient's scale does not depend on T. The KL divergence is KD less the entropy of q: another value,
// the same gradient. What LwF, BiC, and generative replay with soft targets have in common.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "mneme/core/options.hpp"
#include "mneme/nets/archive.hpp"

namespace mneme {

struct DistillationOptions {
  double temperature = 2.0;
  bool square = true;
  std::string form = "cross-entropy";
  bool per_output = false;
  void describe(OptionVisitor& v);
};

/// Declares `per_output` for strategies that do not offer the rest.
void describe_per_output(OptionVisitor& v, bool& per_output);

/// q [N, C] of logits [N, C]: the softmax at that temperature over the outputs in `mask` (bool [C] or [N, C];
/// undefined: all), 0 elsewhere. A mask [H, 1, C] gives H softmaxes at once, [H, N, C]. It carries no graph.
[[nodiscard]] at::Tensor soft_targets(at::Tensor const& logits, double temperature, at::Tensor const& mask = {});

/// Distillation of each sample [N] (of a mask [H, 1, C]: [H, N]); the student's softmax is over the outputs in `mask`,
/// by whose number `per_output` divides.
/// Targets sum to 1 and are 0 outside the mask; narrower than the logits, they say 0 of the rest.
[[nodiscard]] at::Tensor distillation(at::Tensor const& logits, at::Tensor const& targets,
                                      DistillationOptions const& options, at::Tensor const& mask = {});

/// The outputs of what was learnt: in one group, or, where each task has a head of its own, in one group a task.
class LearntOutputs {
 public:
  void learn(std::vector<std::int64_t> const& classes, bool own_head);
  /// These classes go; the number of tasks stays.
  void forget(std::vector<std::int64_t> const& classes);
  [[nodiscard]] bool empty() const { return groups_.empty(); }
  /// Tasks that were learnt, which may be more than there are groups.
  [[nodiscard]] std::int64_t tasks() const { return tasks_; }
  [[nodiscard]] std::int64_t groups() const { return static_cast<std::int64_t>(groups_.size()); }
  [[nodiscard]] std::set<std::int64_t> classes() const;
  /// Whether one of these was not learnt before.
  [[nodiscard]] bool lacks(std::vector<std::int64_t> const& classes) const;
  /// bool [H, 1, C], one row a group; made once and kept.
  [[nodiscard]] at::Tensor const& masks(std::int64_t outputs, at::Device device) const;
  void state(Archive& archive);

 private:
  std::vector<std::set<std::int64_t>> groups_;
  std::int64_t tasks_ = 0;
  mutable at::Tensor masks_;
};

}  // namespace mneme
