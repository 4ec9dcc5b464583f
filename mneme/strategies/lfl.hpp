// Less-forgetting learning: on the new data, the last hidden features stay what the net before the task gave, and the
// output layer stays as it was after the first task.
//
//   L = L_t + lambda (1/B) sum_n (1/2) || h(x_n; theta_old) - h(x_n; theta) ||^2        distance = "half-squared"
//   L = L_t + lambda (1/(B D)) sum_n || h(x_n; theta_old) - h(x_n; theta) ||^2          distance = "mean-squared"
//
// h: the D features before the output layer; theta_old: the weights at the end of the task before, in evaluation mode.
// Jung et al. 2016, Less-forgetting learning in deep neural networks, arXiv:1607.00122, where lambda is lambda_e. The
// second form is that of Avalanche: 2 lambda / D in the first.
//
// Differences from the paper: the distance is a mean over the batch, as the loss is.
#pragma once

#include "mneme/strategies/forgetting.hpp"
#include "mneme/strategies/teacher.hpp"

namespace mneme {

struct LflOptions {
  double lambda = 1.6e-3;
  std::string distance = "half-squared";
  std::string freeze = "output-layer";
  void describe(OptionVisitor& v);
};

class Lfl final : public Strategy, public LetsGo {
 public:
  explicit Lfl(LflOptions options) : options_(std::move(options)) {}
  [[nodiscard]] Needs needs() const override;
  void end_event(EventContext& context) override { teacher_.take(context.learner); }
  std::vector<Stage> stages(EventContext& context) override;
  std::optional<at::Tensor> penalty(StepContext& context) override;
  Terms terms(StepContext& context) override;
  void let_go(Forgotten const&, EventContext& context) override { teacher_.take(context.learner); }
  void grown(Growth const& growth) override { teacher_.grown(growth); }
  void state(Archive& archive) override { teacher_.state(archive); }

 private:
  [[nodiscard]] bool freezes() const { return options_.freeze != "nothing"; }

  LflOptions options_;
  Teacher teacher_;
  at::Tensor term_;  // of the step, for the log
};

}  // namespace mneme
