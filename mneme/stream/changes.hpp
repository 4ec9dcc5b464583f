// Changes: what can be done to a stream whatever its maker, one function each. They are made in the order in which the
// configuration lists them:
//
//   stream = { kind = "split", with = [{ kind = "noisy-labels", share = 0.4 }, "online"] }
//
// Test samples are never changed but by `pooled-split`: `forget` measures those of its classes apart. Every random
// choice depends on the run's seed and the task's name alone.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "mneme/core/registry.hpp"
#include "mneme/stream/stream.hpp"

namespace mneme {

struct ChangeRow {
  PartInfo info;
  Stream (*apply)(Stream stream, Json const& options, std::string const& where, std::uint64_t seed);
  bool takes_labels = false;      // and so must be the last one: others look at labels
  bool takes_boundaries = false;  // one event is left
  bool splits = false;  // gives test samples to training and so must be the first: others change what it pools
};

/// `mneme list changes`. Those of the order of things stand in change_order.cpp, those of the samples in
/// change_samples.cpp, those of what may be seen in change_view.cpp, requests to forget in change_requests.cpp.
std::span<ChangeRow const> change_table();

/// Whether a stream of that configuration shows where its tasks begin.
[[nodiscard]] bool has_boundaries(Json const& stream);

/// The configuration of a stream without its requests to forget. None stands before the end of the first event, so up
/// to there both are trained alike; the columns that are measured differ.
[[nodiscard]] Json without_requests(Json stream);

// The rows of the table.
[[nodiscard]] ChangeRow task_order_row();
[[nodiscard]] ChangeRow repeat_row();
[[nodiscard]] ChangeRow blurry_row();
[[nodiscard]] ChangeRow boundary_free_row();
[[nodiscard]] ChangeRow pooled_split_row();
[[nodiscard]] ChangeRow limit_row();
[[nodiscard]] ChangeRow imbalanced_row();
[[nodiscard]] ChangeRow noisy_labels_row();
[[nodiscard]] ChangeRow online_row();
[[nodiscard]] ChangeRow hidden_task_row();
[[nodiscard]] ChangeRow unlabelled_row();
[[nodiscard]] ChangeRow few_labels_row();
[[nodiscard]] ChangeRow forget_row();

}  // namespace mneme
