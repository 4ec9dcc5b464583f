// The hidden layers that Gates multiply, as strategies that gate them find them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mneme/nets/arena.hpp"

namespace mneme {

/// Widths of the fully connected hidden layers, first to last: the segments "fc1.bias", "fc2.bias", … of the nets of
/// the registry. Throws ConfigError, in the strategy's name, where there are none.
[[nodiscard]] std::vector<std::int64_t> gated_widths(ParameterArena const& arena, std::string const& strategy);

}  // namespace mneme
