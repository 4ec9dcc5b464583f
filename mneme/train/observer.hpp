// Observers see a run; they change nothing in it.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "mneme/core/json.hpp"
#include "mneme/eval/metrics.hpp"
#include "mneme/learners/learner.hpp"

namespace mneme {

/// Where a run stands, for a progress line.
struct Progress {
  std::string event, stage;
  std::int64_t event_index = 0;
  std::int64_t epoch = 0, epochs = 0;  // 0-based, of the stage
  std::int64_t stage_step = 0, stage_steps = 0;
  std::int64_t step = 0;  // of the run
  double loss = 0;
  std::map<std::string, double> terms;
};

/// The end of an epoch, where `evaluate.every_epoch` measures it, or a step amid one.
struct EpochEnd {
  std::int64_t event, epoch, step;  // epoch: 0-based, of the stage; step: of the run
  std::string name;                 // of the event
};

class Observer {
 public:
  virtual ~Observer() = default;
  /// A line of metrics.jsonl, complete.
  virtual void line(Json const&) {}
  virtual void progress(Progress const&) {}
  /// After a row was added to the matrix, the learner in the state that the row was measured in.
  virtual void evaluated(EvaluationMatrix const&, Learner&) {}
  /// After the full test sets were measured at an epoch's end, the learner in the state that was measured.
  virtual void epoch_measured(EpochEnd const&, Learner&) {}
  /// After parts of the test sets were measured amid an epoch, every `evaluate.every_steps`.
  virtual void step_measured(EpochEnd const&, Learner&) {}
};

}  // namespace mneme
