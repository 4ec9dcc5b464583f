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

/// Classes of the event that were not learnt before.
[[nodiscard]] std::set<std::int64_t> new_classes(LearntOutputs const& learnt, EventContext const& context);
/// Classes learnt before; where the event brings no new one, those that it does not have. A few samples of an old class
/// among the new ones (a blurry boundary) so leave it old.
[[nodiscard]] std::set<std::int64_t> old_classes(LearntOutputs const& learnt, EventContext const& context);
/// bool [outputs], true at `classes`.
[[nodiscard]] at::Tensor output_mask(std::set<std::int64_t> const& classes, std::int64_t outputs, at::Device device);

/// Each class of `data` gets exemplars by herding in the features of the present network, among its samples there and
/// those stored of it; other classes keep their first ones. `count` of each in the end, fewer where there are fewer.
void choose_exemplars(Exemplars& exemplars, Dataset const& data, std::int64_t count, EventContext const& context);

/// Exemplars that are to be forgotten go, those behind them move up.
void drop(Exemplars& exemplars, Forgotten const& forgotten);

}  // namespace mneme
