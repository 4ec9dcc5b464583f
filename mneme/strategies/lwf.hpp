// Learning without forgetting: on the new data, the old outputs stay what the net before the task gave for them.
//
//   L = s L_t + w sum_h KD(h),   KD(h) = T^2 (1/B) sum_n - sum_{i in h} q_i log p_i
//   q = softmax(z_old / T),   p = softmax(z / T),   over the outputs h
//
// z_old: logits of the net at the end of the task before, for the new samples. One h for each old task where each task
// has a head of its own, else a single h of all classes seen before. With t the number of the task and H that of the h:
//
//   fixed        s = 1,     w = alpha                          Li and Hoiem 2016 (alpha is their lambda_o)
//   fraction     s = 1/t,   w = alpha (1 - 1/t) / H            van de Ven and Tolias 2018
//   cumulative   s = 1,     w = alpha (t - 1) / H, and alpha where new classes share the softmax of the old
//                                                              van de Ven, Tuytelaars and Tolias 2022
//
// Li and Hoiem 2016, Learning without forgetting, arXiv:1606.09282, eqs. 2 to 4. van de Ven and Tolias 2018,
// arXiv:1809.10635, as in the authors' code, whose student's softmax takes in the new classes (`outputs = "active"`).
//
// Differences from the paper: KD is scaled by T^2 unless `square` is off; the warm-up of the new head is off unless
// `warm_up` says for how many epochs.
#pragma once

#include "mneme/strategies/distillation.hpp"
#include "mneme/strategies/forgetting.hpp"
#include "mneme/strategies/teacher.hpp"

namespace mneme {

struct LwfOptions {
  double alpha = 1.0;
  std::vector<double> alphas = {};
  std::string weighting = "fixed";
  std::string outputs = "old";
  std::int64_t warm_up = 0;
  DistillationOptions distillation = {};
  void describe(OptionVisitor& v);
};

class Lwf final : public Strategy, public LetsGo {
 public:
  explicit Lwf(LwfOptions options) : options_(std::move(options)) {}
  [[nodiscard]] Needs needs() const override;
  void begin_event(EventContext& context) override;
  void end_event(EventContext& context) override;
  std::vector<Stage> stages(EventContext& context) override;
  std::optional<at::Tensor> objective(StepContext& context) override;
  std::optional<at::Tensor> penalty(StepContext& context) override;
  void add_gradient(StepContext& context) override;
  void after_step(StepContext& context) override;
  Terms terms(StepContext& context) override;
  void let_go(Forgotten const& forgotten, EventContext& context) override;
  void grown(Growth const& growth) override { teacher_.grown(growth); }
  void state(Archive& archive) override;

 private:
  /// s and w of the equation.
  struct Weights {
    double current = 1, each_head = 0;
  };
  [[nodiscard]] Weights weights(EventContext const& context);
  [[nodiscard]] bool brings_classes(EventContext const& context);
  [[nodiscard]] bool warming_up(StageContext const& context) const;
  /// Calls act(view of the segment in a row [P], which of its entries belong to old outputs) for the output layer.
  template <class Do>
  void each_old_row(StepContext& context, Do act) const;

  LwfOptions options_;
  Teacher teacher_;
  LearntOutputs learnt_;
  std::optional<bool> brings_classes_;  // the task under way, once it was asked
  at::Tensor term_;                     // of the step, for the log
};

}  // namespace mneme
