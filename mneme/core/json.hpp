// The in-memory form of configurations, summaries and log lines: nlohmann's JSON with keys in order of insertion.
#pragma once

#include <nlohmann/json.hpp>

namespace mneme {
using Json = nlohmann::ordered_json;

/// A setting that may be one thing or a list of them, as a list.
[[nodiscard]] inline Json as_list(Json const& one_or_list) {
  return one_or_list.is_array() ? one_or_list : Json::array({one_or_list});
}
}  // namespace mneme
