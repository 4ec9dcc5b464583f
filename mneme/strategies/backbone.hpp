// What methods that freeze the net below its output layer have in common. The output layer is the segments that are
// named "head.…".
#pragma once

#include "mneme/nets/layers.hpp"
#include "mneme/strategies/strategy.hpp"

namespace mneme {

/// Segments of the output layer. ConfigError where the net has none.
[[nodiscard]] std::vector<int> head_segments(ParameterArena const& arena);

/// A stage on the event's data that trains the output layer alone, while the net below it gives what it gives at test.
[[nodiscard]] Stage head_stage(ParameterArena const& arena);

/// The output layer, to be given features [N, F] from elsewhere: what comes out trains its parameters and nothing
/// below. It must outlive the step. ConfigError where it is not a linear layer.
[[nodiscard]] Linear linear_head(ParameterArena& arena);

}  // namespace mneme
