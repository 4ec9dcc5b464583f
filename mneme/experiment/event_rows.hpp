// Files that observers write a row to at every event.
#pragma once

#include <cstdint>
#include <vector>

#include "mneme/core/json.hpp"

namespace mneme {

/// Leaves the rows of the events before this one: an event that is done again replaces what an earlier try wrote of it
/// and of those behind it.
inline void keep_before(Json& rows, std::int64_t event) {
  std::erase_if(rows.get_ref<Json::array_t&>(), [&](Json const& row) { return row.at("event") >= event; });
}

}  // namespace mneme
