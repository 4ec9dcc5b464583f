#include "mneme/strategies/backbone.hpp"

#include "mneme/core/errors.hpp"

namespace mneme {

std::vector<int> head_segments(ParameterArena const& arena) {
  std::vector<int> head;
  for (int id = 0; id < static_cast<int>(arena.segments().size()); ++id)
    if (arena.segments()[static_cast<std::size_t>(id)].name.starts_with("head.")) head.push_back(id);
  if (head.empty())
    throw ConfigError(
        "the net below the output layer is to be frozen, but no parameters are named \"head.…\"; name the output layer "
        "\"head\"");
  return head;
}

Stage head_stage(ParameterArena const& arena) { return {.name = "output layer", .trainable = head_segments(arena)}; }

Linear linear_head(ParameterArena& arena) {
  auto const head = head_segments(arena);
  auto const is = [&](std::size_t i, char const* name) {
    return arena.segments()[static_cast<std::size_t>(head[i])].name == name;
  };
  if (head.size() != 2 || !is(0, "head.weight") || !is(1, "head.bias"))
    throw ConfigError("the output layer must be linear, with head.weight and head.bias; this net has another kind");
  return {arena, head[0], head[1]};
}

}  // namespace mneme
