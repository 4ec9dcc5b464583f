#include "mneme/strategies/head.hpp"

#include "mneme/core/errors.hpp"

namespace mneme {
namespace {

bool in_head(Segment const& segment) {
  return segment.name.ends_with("head.weight") || segment.name.ends_with("head.bias");
}

std::vector<int> segments(ParameterArena const& arena, bool head) {
  std::vector<int> ids;
  for (std::size_t id = 0; id < arena.segments().size(); ++id)
    if (in_head(arena.segments()[id]) == head) ids.push_back(static_cast<int>(id));
  return ids;
}

}  // namespace

std::vector<int> head_segments(ParameterArena const& arena) {
  auto ids = segments(arena, true);
  if (ids.empty())
    throw ConfigError(
        "the net has no segment named 'head.weight': name its output layer 'head', or choose a strategy "
        "that does not train the output layer by itself");
  return ids;
}

std::vector<int> body_segments(ParameterArena const& arena) {
  static_cast<void>(head_segments(arena));
  return segments(arena, false);
}

bool has_own_heads(EventContext const& context) {
  auto const head = context.learner.head();
  return head == Head::kPerTask || (head == Head::kAuto && context.visibility.task_at_test);
}

}  // namespace mneme
