// Generative replay of a generative model by itself: from the second task on each step also learns samples that the
// model drew as it was after the last task.
//
//   L = (1/t) mean over x of l(x) + (1 - 1/t) mean over x~ of l(x~)       x~ of the model after task t - 1, l = -ELBO
//
// for the t-th task: the generator's loss in Shin et al. 2017, Continual learning with deep generative replay, NeurIPS,
// arXiv:1705.08690, sec. 3 (the importance of a task by its share of all tasks), without a solver beside it. With two
// tasks and as many samples as are new the two sums weigh the same (1:1). A conditional model draws a class for each
// sample, uniformly among those it has learnt.
//
// A model of domains (learners/recalls.hpp: lgaa) draws the domains that it has learnt equally often, each with its own
// classes. A generated row's task is the domain that it was drawn for; its label the class that it was drawn for, or
// with `labels = "inferred"` what the model as it was makes of it. With `weights = "rows"` all rows weigh the same,
// whatever the number of tasks: Ye and Bors 2024, the authors' code. `damage` is no part of any of them: it spoils the
// copy that draws, to see what the quality of replay is worth.
#pragma once

#include "mneme/learners/recalls.hpp"
#include "mneme/strategies/distillation.hpp"
#include "mneme/strategies/forgetting.hpp"
#include "mneme/strategies/teacher.hpp"

namespace mneme {

struct SelfReplayOptions {
  std::int64_t replayed = 0;
  std::string weights = "tasks";
  std::string labels = "drawn";
  double damage = 0.0;
  void describe(OptionVisitor& v) {
    v.field("replayed", replayed,
            {.help = "generated samples per step; 0: as many as are new", .unit = "samples", .min = 0});
    v.field("weights", weights,
            {.help = "tasks: the generated rows weigh as the tasks before this one; rows: each row the same",
             .choices = {"tasks", "rows"}});
    v.field("labels", labels,
            {.help = "labels of what a model of domains drew: the class that it was drawn for, or the model's answer",
             .choices = {"drawn", "inferred"}});
    v.field(
        "damage", damage,
        {.help = "noise on the weights of the model that draws, in standard deviations of each of its segments: what "
                 "the quality of replay is worth",
         .min = 0});
  }
};

class SelfReplay final : public Strategy, public LetsGo {
 public:
  explicit SelfReplay(SelfReplayOptions options) : options_(std::move(options)) {}
  [[nodiscard]] Needs needs() const override;
  void end_event(EventContext& context) override;
  Batch compose(Batch batch, StepContext& context) override;
  /// replay_share: of the loss of a step.
  Terms terms(StepContext& context) override;
  void let_go(Forgotten const& forgotten, EventContext& context) override;
  void grown(Growth const& growth) override { past_.grown(growth); }
  void state(Archive& archive) override;

  /// Tasks that were learnt.
  [[nodiscard]] std::int64_t tasks() const { return learnt_.tasks(); }
  /// The share that new rows have in the loss of a step, where `batch` are new: 1 before anything is replayed.
  [[nodiscard]] double new_share(std::int64_t batch) const;
  /// n samples of the past model, labelled as in a step. ConfigError before the first task's end, and for a model
  /// without domains. `like`: the learner.
  [[nodiscard]] Recalled drawn(Learner const& like, std::int64_t n, at::Generator& noise);

 private:
  void take(EventContext& context);

  SelfReplayOptions options_;
  Teacher past_;
  LearntOutputs learnt_;
};

class StrategyList;
/// The member that replays what the learner draws; null where there is none.
[[nodiscard]] SelfReplay* self_replay_of(StrategyList& strategies);

}  // namespace mneme
