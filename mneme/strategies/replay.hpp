// What strategies that store samples have in common.
#pragma once

#include "mneme/memory/buffer.hpp"
#include "mneme/strategies/strategy.hpp"

namespace mneme {

/// The step's new samples in their stored type. The task is -1 where the stream hides it.
[[nodiscard]] Rows current_rows(StepContext const& context);

/// Stored rows as a batch of origin kMemory, with their outputs activated.
[[nodiscard]] Batch replayed(Rows const& rows, EventContext const& context);

}  // namespace mneme
