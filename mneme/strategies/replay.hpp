// What strategies that store samples have in common.
#pragma once

#include "mneme/memory/buffer.hpp"
#include "mneme/strategies/forgetting.hpp"

namespace mneme {

/// Samples `index` int64 [n] of the event's data in their stored type; `hidden` stands for a task that the stream
/// hides.
[[nodiscard]] Rows chosen_rows(Dataset const& data, at::Tensor const& index, EventContext const& context,
                               std::int64_t hidden = -1);
/// The step's new samples.
[[nodiscard]] Rows current_rows(StepContext const& context);

/// Takes what was forgotten out of a buffer.
void drop(Buffer& buffer, Forgotten const& forgotten);

/// How many stored samples a step takes: as many as are new where `option` is 0.
[[nodiscard]] std::int64_t stored_per_step(std::int64_t option, StepContext const& context);

/// For a memory that is filled when an event ends: a random part of its training data, floor(M / t) samples for t tasks
/// with this one. Where the task is hidden the event's number stands for it.
[[nodiscard]] Rows share_of_event(Buffer const& buffer, EventContext const& context);

/// Stored rows as a batch of origin kMemory, with their outputs activated. In a step they are seen in random views, as
/// the new samples are; elsewhere as they are.
[[nodiscard]] Batch replayed(Rows const& rows, EventContext const& context);
[[nodiscard]] Batch replayed(Rows const& rows, StepContext const& context);

/// A forward pass beside the step's, under the gates of all strategies and with noise of its own.
[[nodiscard]] Output forward_beside(Batch const& batch, bool training, EventContext const& context);

}  // namespace mneme
