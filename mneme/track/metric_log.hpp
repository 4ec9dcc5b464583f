// track: where a run's figures go. The trainer and strategies write lines (docs/run-folder.md, metrics.jsonl); sinks
// see them, nothing else does.
#pragma once

#include "mneme/core/json.hpp"

namespace mneme {

class MetricLog {
 public:
  virtual ~MetricLog() = default;
  /// A complete line: `kind` and its keys. Event, step and time are added by the trainer.
  virtual void write(Json line) = 0;
};

}  // namespace mneme
