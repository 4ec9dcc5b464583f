// PackNet: every task gets weights of its own, freed by pruning those of the task before.
//
//   1  train task k on the weights that no task owns; those of earlier tasks are read, not changed
//   2  in each layer, of the n weights just trained, the round(p n) of least score give way and become 0 (but never
//      all n); the others are owned by k
//   3  train the owned ones again
//   4  they stay as they are from then on, bit for bit
//   test of the task learnt as k-th:  w o [1 <= owner <= k]
//
//   score: |w| (magnitude), or the sum over the steps of |dL/dw| (gradient)
//
// Mallya and Lazebnik 2018, PackNet: adding multiple tasks to a single network by iterative pruning, CVPR,
// arXiv:1711.05769, section 3.
//
// Biases of hidden layers are trained with the first task only, as in the paper. The rows of the output layer that
// belong to a task's classes are its own and are not pruned. A class that an earlier task owns keeps its row. Running
// statistics of batch normalisation are kept for each task, and a task is tested with its own.
//
// Differences from the paper: gradient scores and the threshold on |w| are additions; a task that comes again is
// learnt as a further task over the frozen old one.
#pragma once

#include <map>
#include <vector>

#include "mneme/strategies/frozen.hpp"
#include "mneme/strategies/replaced_values.hpp"
#include "mneme/strategies/strategy.hpp"
#include "mneme/strategies/task_statistics.hpp"

namespace mneme {

struct PackNetOptions {
  std::vector<double> prune = {0.75};
  double threshold = 0;
  std::string score = "magnitude";
  std::int64_t retrain_epochs = 1;
  double retrain_scale = 0.1;
  void describe(OptionVisitor& v);
};

class PackNet final : public Strategy {
 public:
  explicit PackNet(PackNetOptions options) : options_(std::move(options)) {}
  [[nodiscard]] Needs needs() const override;
  void begin_event(EventContext& context) override;
  std::vector<Stage> stages(EventContext& context) override;
  Batch compose(Batch batch, StepContext& context) override;
  void observe_gradient(StepContext& context) override;
  void project_gradient(StepContext& context) override;
  void after_step(StepContext& context) override;
  void end_stage(StageContext& context) override;
  void end_event(EventContext& context) override;
  void begin_test(TestContext& context) override;
  void end_test(TestContext& context) override;
  void grown(Growth const& growth) override;
  void state(Archive& archive) override;

  /// uint8 [P]: 0 free, k owned by the task learnt as k-th, 255 an output of a task to come.
  [[nodiscard]] at::Tensor const& owner() const { return owner_; }
  /// [{task, remaining, total, sparsity}] after each event: weights that are not 0, all weights, share of zeros, over
  /// the hidden layers.
  [[nodiscard]] Json const& history() const { return history_; }

 private:
  [[nodiscard]] double share(std::int64_t event) const;
  void own_outputs(EventContext& context, std::int64_t task, std::int64_t before);
  void prune(StageContext& context);
  void record(EventContext& context);

  PackNetOptions options_;
  at::Tensor owner_;
  at::Tensor score_;                                           // [P], while gradients are scored
  std::map<std::int64_t, std::int64_t> learnt_;                // task id -> k
  std::map<std::int64_t, std::vector<std::int64_t>> classes_;  // task id -> those whose output rows it reads
  std::int64_t tasks_ = 0;                                     // k of the newest
  Json history_ = Json::array();
  FrozenElements frozen_;
  TaskStatistics statistics_;
  ReplacedValues shown_;  // while a test runs
};

}  // namespace mneme
