// What the net answers to stored samples with its weights of now, for strategies that store answers beside samples.
#pragma once

#include "mneme/strategies/replay.hpp"

namespace mneme {

/// Logits [n, C] of stored rows, in evaluation mode and without a graph, by batches: a large memory need not go through
/// the net at once. `rows` must not be empty.
[[nodiscard]] at::Tensor stored_logits(Rows const& rows, EventContext const& context);

}  // namespace mneme
