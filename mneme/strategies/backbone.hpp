// What methods that freeze the net below its output layer (strategies/head.hpp) have in common.
#pragma once

#include "mneme/nets/layers.hpp"
#include "mneme/strategies/strategy.hpp"

namespace mneme {

/// A stage on the event's data that trains the output layer alone, while the net below it gives what it gives at test.
[[nodiscard]] Stage head_stage(ParameterArena const& arena);

/// The output layer, to be given features [N, F] from elsewhere: what comes out trains its parameters and nothing
/// below. It must outlive the step. ConfigError where it is not a linear layer.
[[nodiscard]] Linear linear_head(ParameterArena& arena);

}  // namespace mneme
