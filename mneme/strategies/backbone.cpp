#include "mneme/strategies/backbone.hpp"

#include <utility>

#include "mneme/core/errors.hpp"
#include "mneme/strategies/head.hpp"

namespace mneme {

Stage head_stage(ParameterArena const& arena) {
  auto trained = head_segments(arena);
  for (std::size_t id = 0; id < arena.segments().size(); ++id)  // of a cosine layer
    if (arena.segments()[id].name == "head.scale") trained.push_back(static_cast<int>(id));
  return {.name = "output layer", .trainable = std::move(trained)};
}

Linear linear_head(ParameterArena& arena) {
  auto const head = head_segments(arena);
  if (head.size() != 2)  // a cosine layer has no bias
    throw ConfigError("the output layer must be linear, with head.weight and head.bias; this net has another kind");
  return {arena, "head"};
}

}  // namespace mneme
