// The rows of the strategy table that bring a request to forget about.
#pragma once

#include <vector>

#include "mneme/strategies/strategy.hpp"

namespace mneme {

[[nodiscard]] std::vector<StrategyRow> unlearning_rows();

}  // namespace mneme
