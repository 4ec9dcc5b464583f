// The output layer, for strategies that train or freeze it by itself.
#pragma once

#include <vector>

#include "mneme/learners/learner.hpp"
#include "mneme/strategies/strategy.hpp"

namespace mneme {

/// Its segments that have a row for each output: "head.weight" and "head.bias", after whatever prefix. ConfigError
/// where there is none.
[[nodiscard]] std::vector<int> head_segments(ParameterArena const& arena);
/// The segments of all other layers.
[[nodiscard]] std::vector<int> body_segments(ParameterArena const& arena);
/// Whether the softmax of a sample is over the outputs of its task alone.
[[nodiscard]] bool has_own_heads(EventContext const& context);
/// The classes of the task being learnt, in ascending order: as it says, or those that occur in its data.
[[nodiscard]] std::vector<std::int64_t> classes_of(EventContext const& context);

}  // namespace mneme
