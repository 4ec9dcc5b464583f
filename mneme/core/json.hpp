// The in-memory form of configurations, summaries and log lines: nlohmann's JSON with keys in order of insertion.
#pragma once

#include <nlohmann/json.hpp>

namespace mneme {
using Json = nlohmann::ordered_json;
}  // namespace mneme
