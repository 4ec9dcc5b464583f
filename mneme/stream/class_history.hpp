// Which classes are known after some events of a stream.
#pragma once

#include <cstdint>
#include <limits>
#include <set>

#include "mneme/stream/stream.hpp"

namespace mneme {

struct ClassHistory {
  std::set<std::int64_t> learnt;     // at any time
  std::set<std::int64_t> known;      // of a task that is not forgotten, and not asked for since that task was learnt
  std::set<std::int64_t> forgotten;  // learnt and not known: asked for, or of forgotten tasks alone
};

/// After the events up to this one. Classes of a task are those that it names, or its training labels.
[[nodiscard]] ClassHistory class_history(Stream const& stream,
                                         std::int64_t last = std::numeric_limits<std::int64_t>::max());

}  // namespace mneme
