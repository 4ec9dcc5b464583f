// Stored samples as training data, and the choice of exemplars: what strategies that train on a stored set share.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "mneme/memory/exemplars.hpp"
#include "mneme/strategies/distillation.hpp"
#include "mneme/strategies/replay.hpp"

namespace mneme {

/// Stored rows as a data set, with the task of each where the stream shows it.
[[nodiscard]] Dataset stored_data(Rows const& rows, EventContext const& context);
/// `data` of the event with stored rows behind it.
[[nodiscard]] Dataset with_stored(Dataset const& data, Rows const& rows, EventContext const& context);

/// Classes of the task being learnt; none while forgetting.
[[nodiscard]] std::vector<std::int64_t> event_classes(EventContext const& context);
/// Classes learnt before that the event does not have.
[[nodiscard]] std::set<std::int64_t> old_classes(LearntOutputs const& learnt, EventContext const& context);
/// bool [outputs], true at `classes`.
[[nodiscard]] at::Tensor output_mask(std::set<std::int64_t> const& classes, std::int64_t outputs, at::Device device);

/// Each class of `data` gets exemplars by herding in the features of the present network, among its samples there and
/// those stored of it; other classes keep their first ones. `count` of each in the end, fewer where there are fewer.
void choose_exemplars(Exemplars& exemplars, Dataset const& data, std::int64_t count, EventContext const& context);

}  // namespace mneme
