// What strategies that replay generated samples have in common: rows that a generator of the past made, labelled by the
// learner of the past, and the weights that join them to the new ones. With t - 1 tasks learnt before,
//
//   L = (1/t) mean over the new rows + (1 - 1/t) mean over the generated rows       (van de Ven and Tolias 2018, eq. 7)
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "mneme/strategies/distillation.hpp"
#include "mneme/strategies/teacher.hpp"

namespace mneme {

/// Generated rows and what the past learner says of them.
struct Answers {
  Batch batch;
  at::Tensor logits, mask;  // [N, C] of the past learner; bool [C] or [N, C]: the outputs that it has learnt
};

/// The learner after the last task, and which classes it knows.
class PastSolver {
 public:
  /// After an event; requests to forget change nothing.
  void take(EventContext& context);
  [[nodiscard]] bool empty() const { return learnt_.empty(); }
  [[nodiscard]] std::int64_t tasks() const { return learnt_.tasks(); }
  [[nodiscard]] std::vector<std::int64_t> classes() const;
  [[nodiscard]] Teacher& teacher() { return teacher_; }

  /// Samples [N, ...] as rows of origin kGenerated. Each is given to one of the tasks learnt, drawn from `choice`: with
  /// a head for each task it is answered with that task's outputs. Only classes that were learnt are answered. Labels
  /// are the most probable classes, or those given.
  [[nodiscard]] Answers ask(at::Tensor const& x, StepContext& context, at::Generator& choice, at::Tensor labels = {});

  void grown(Growth const& growth) { teacher_.grown(growth); }
  void state(Archive& archive);

 private:
  Teacher teacher_;
  LearntOutputs learnt_;
  std::vector<std::int64_t> ids_;  // of the tasks; -1 where the stream hides it
};

/// The share of the new rows in a step's loss: 1/t after `past` = t - 1 tasks.
[[nodiscard]] inline double task_share(std::int64_t past) { return 1 / static_cast<double>(past + 1); }
/// The same by the option `weights`: "tasks", or "rows": n / (n + m) for n new and m generated rows.
[[nodiscard]] inline double share_of_new(std::string const& weights, std::int64_t past, std::int64_t n,
                                         std::int64_t m) {
  return weights == "tasks" ? task_share(past) : static_cast<double>(n) / static_cast<double>(n + m);
}

/// The generated rows behind the batch, the new ones with this share of the loss: 1/t as above for the t-th task.
/// Weights are 1 on average; those that rows have already keep their proportions within each part.
[[nodiscard]] Batch weighted_join(Batch batch, Batch generated, double share);

/// A further scalar of the generated rows, their output and their soft targets [N, C].
using GeneratedTerm = std::function<at::Tensor(Batch&, Output const&, at::Tensor const& targets)>;

/// The same for a loss whose generated part is distillation in place of labels:
/// share loss of the learner on the rows before the generated ones + (1 - share) (T^2 KD + further) on these.
[[nodiscard]] at::Tensor distilled_objective(StepContext& context, Answers const& answers, double share,
                                             DistillationOptions const& options, Terms& terms,
                                             GeneratedTerm const& further = {});

}  // namespace mneme
