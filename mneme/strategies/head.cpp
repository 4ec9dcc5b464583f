#include "mneme/strategies/head.hpp"

#include <torch/types.h>

#include <algorithm>

#include "mneme/core/errors.hpp"
#include "mneme/data/numbers.hpp"

namespace mneme {
namespace {

/// Anything of the layer: its weights, their bias, a scale.
bool in_head(Segment const& segment) {
  return segment.name.substr(0, segment.name.find_last_of('.')).ends_with("head");
}

bool has_rows(Segment const& segment) {
  return segment.name.ends_with("head.weight") || segment.name.ends_with("head.bias");
}

std::vector<int> segments(ParameterArena const& arena, bool (*wanted)(Segment const&)) {
  std::vector<int> ids;
  for (std::size_t id = 0; id < arena.segments().size(); ++id)
    if (wanted(arena.segments()[id])) ids.push_back(static_cast<int>(id));
  return ids;
}

}  // namespace

std::vector<int> head_segments(ParameterArena const& arena) {
  auto ids = segments(arena, has_rows);
  if (ids.empty())
    throw ConfigError(
        "the net has no segment named 'head.weight': name its output layer 'head', or choose a strategy that does not "
        "train the output layer by itself");
  return ids;
}

std::vector<int> body_segments(ParameterArena const& arena) {
  static_cast<void>(head_segments(arena));  // throws if there is no head
  return segments(arena, [](Segment const& segment) { return !in_head(segment); });
}

bool has_own_heads(EventContext const& context) {
  auto const head = context.learner.head();
  return head == Head::kPerTask || (head == Head::kAuto && context.visibility.task_at_test);
}

std::vector<std::int64_t> classes_of(EventContext const& context) {
  auto classes = std::get<Task>(context.event).classes;
  if (classes.empty()) classes = numbers_of(std::get<0>(at::_unique(context.data.labels())));
  std::sort(classes.begin(), classes.end());
  return classes;
}

}  // namespace mneme
