#include "mneme/strategies/strategy.hpp"

#include "mneme/core/errors.hpp"

namespace mneme {

std::int64_t EventContext::task_id() const {
  if (!visibility.task_at_training)
    throw VisibilityError("the task id is hidden in this stream; a strategy that needs it must say so in needs()");
  auto const* task = std::get_if<Task>(&event);
  return task ? task->id : -1;
}

std::optional<std::int64_t> EventContext::known_task() const {
  return visibility.task_at_training ? std::optional(task_id()) : std::nullopt;
}

}  // namespace mneme
