// TaskStatistics: the running statistics of batch normalisation as they were when a task had been learnt, for
// strategies that promise that an old task is predicted the same for ever. Masks and copies of parameters do not hold
// them.
#pragma once

#include <cstdint>
#include <map>

#include "mneme/nets/archive.hpp"
#include "mneme/nets/arena.hpp"
#include "mneme/strategies/replaced_values.hpp"

namespace mneme {

class TaskStatistics {
 public:
  /// Keeps what the arena holds for a task, in place of what was kept of it before.
  void keep(std::int64_t task, ParameterArena const& arena);
  /// Puts a task's into the arena until `restore`; nothing where none were kept.
  void show(std::int64_t task, ParameterArena const& arena);
  void restore(ParameterArena const& arena) { shown_.restore(arena.buffers()); }
  void state(Archive& archive);

 private:
  std::map<std::int64_t, std::int64_t> rows_;  // by task id
  at::Tensor kept_;                            // [T, Q]; undefined where the net has no statistics
  ReplacedValues shown_;
};

}  // namespace mneme
