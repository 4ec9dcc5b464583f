// Stream makers: from named data sets to tasks. Permutation and rotation are done once per task, not per sample. What
// can be done to any stream, whatever its maker (online, noisy labels, ...), is a change: stream/changes.hpp.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "mneme/core/registry.hpp"
#include "mneme/stream/stream.hpp"

namespace mneme {

/// Gives the data set of a name and split ("train" or "test").
using DataSource = std::function<Dataset(std::string const& name, std::string const& split)>;

struct StreamRow {
  PartInfo info;
  /// `seed` drives orders and permutations that the options do not state.
  Stream (*make)(Json const& options, std::string const& where, DataSource const& source, std::uint64_t seed);
};

/// domain, split, permuted, rotated; `mneme list streams`.
std::span<StreamRow const> stream_table();

/// The stream that a configuration's table asks for: `kind` with the maker's options and, in `with`, a list of changes
/// in the order in which they are made.
Stream make_stream(Json const& options, std::string const& where, DataSource const& source, std::uint64_t seed);

/// What a reader of a run wants to know: {scenario, events, visible: {...}, notes: {...}}.
Json stream_record(Stream const& stream);

/// One task on the union of a stream's tasks, tested on each of them: the upper bound of most tables.
Stream joint_of(Stream const& stream);
/// The same events, each on the union of its training data and all before it.
Stream cumulative_of(Stream const& stream);

}  // namespace mneme
