// What strategies that store samples have in common.
#pragma once

#include "mneme/memory/buffer.hpp"
#include "mneme/strategies/strategy.hpp"

namespace mneme {

/// Samples `index` int64 [n] of the event's data in their stored type. The task is -1 where the stream hides it.
[[nodiscard]] Rows chosen_rows(Dataset const& data, at::Tensor const& index, EventContext const& context);
/// The step's new samples.
[[nodiscard]] Rows current_rows(StepContext const& context);

/// Stored rows as a batch of origin kMemory, with their outputs activated.
[[nodiscard]] Batch replayed(Rows const& rows, EventContext const& context);

}  // namespace mneme
