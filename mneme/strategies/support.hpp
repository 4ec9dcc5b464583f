// What a person asks before choosing a strategy, told from its row: where it runs, what it must know, what it keeps.
#pragma once

#include <string>
#include <vector>

#include "mneme/strategies/strategy.hpp"

namespace mneme {

/// The family whose file the row stands in: "replay", "regularisation".
[[nodiscard]] std::string family_of(StrategyRow const& row);

/// Scenarios in which the strategy runs, of "task", "domain" and "class": all of them unless it needs the task's id at
/// test, which only a task-incremental stream shows.
[[nodiscard]] std::vector<std::string> scenarios_of(Needs const& needs);

/// Scenarios for which the row claims a gain over naive, or where `fails` claims that there is none.
[[nodiscard]] std::vector<std::string> claimed_scenarios(StrategyRow const& row, bool fails);

/// The row's memory formula without the words that explain it: "T M (d + 16)".
[[nodiscard]] std::string short_memory(StrategyRow const& row);

}  // namespace mneme
