// HAT: hard attention to the task. Every task learns which hidden units it uses; units that a task uses are protected
// from later ones.
//
//   h_l <- a_l o h_l,   a_l = sigmoid(s e_l)        e_l [U_l] learnt for each task
//   s = 1/s_max + (s_max - 1/s_max) i/N             i samples of the epoch's N seen before the step; s_max at test
//   L = CE + c sum_l sum_i a_l[i] (1 - A_l[i]) / sum_l sum_i (1 - A_l[i])
//   A_l <- max(A_l, sigmoid(s_max e_l))             after each task; 0 before the first
//   g of the weight from unit j of layer l - 1 to unit i of layer l:  g (1 - min(A_l[i], A_{l-1}[j])),
//   of the bias of i:  g (1 - A_l[i]);              A of an input is 1, of an output 1 once its class was learnt
//   g of e:  g (s_max / s) (cosh(clamp(s e, -50, 50)) + 1) / (cosh(e) + 1);   e in [-6, 6] after each step
//
// Serra et al. 2018, Overcoming catastrophic forgetting with hard attention to the task, ICML, arXiv:1801.01423,
// section 2 (and the authors' code for the clamps).
//
// Differences from the paper: the output layer is protected too, as the equation above says (with outputs of each
// task's own that changes nothing); weights that are protected altogether are put back after each step, since momentum,
// Adam and decay move weights whose gradient is 0; the embeddings are trained by the run's optimizer like all else. The
// paper's is plain SGD at 0.05, divided by 3 when the held-out loss stands still.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "mneme/strategies/frozen.hpp"
#include "mneme/strategies/strategy.hpp"

namespace mneme {

struct HatOptions {
  double s_max = 400;
  double sparsity = 0.75;
  void describe(OptionVisitor& v);
};

class Hat final : public Strategy {
 public:
  explicit Hat(HatOptions options) : options_(options) {}
  [[nodiscard]] Needs needs() const override;
  void begin_event(EventContext& context) override;
  void begin_stage(StageContext& context) override;
  Batch compose(Batch batch, StepContext& context) override;
  std::optional<at::Tensor> penalty(StepContext& context) override;
  void project_gradient(StepContext& context) override;
  void after_step(StepContext& context) override;
  void end_stage(StageContext& context) override;
  void end_event(EventContext& context) override;
  void begin_test(TestContext& context) override;
  Gates gates(Batch const& batch, bool training) override;
  void grown(Growth const& growth) override;
  void state(Archive& archive) override;

  /// [U]: A, what the tasks before the current one use of each hidden unit, layer after layer.
  [[nodiscard]] at::Tensor used() const;

 private:
  [[nodiscard]] std::vector<Segment> embeddings(ParameterArena const& arena) const;
  void harden(ParameterArena const& arena);
  [[nodiscard]] at::Tensor protection(ParameterArena const& arena) const;

  HatOptions options_;
  std::vector<std::int64_t> widths_;
  std::map<std::int64_t, std::int64_t> rows_;  // task id -> its row
  std::set<std::int64_t> classes_;             // of the tasks before
  std::int64_t current_ = -1;                  // row of the newest task; -1: there is none
  at::Tensor hard_;        // [rows, U] sigmoid(s_max e) of each task; the current one's as of the last look
  std::int64_t seen_ = 0;  // samples of the epoch

  ParameterArena* arena_ = nullptr;  // within a step: where the embeddings "hat.fc1" [U_1], … of the task are trained
  double s_ = 0;
  at::Tensor keep_;  // [P]: what gradients are multiplied with
  FrozenElements frozen_;
};

}  // namespace mneme
