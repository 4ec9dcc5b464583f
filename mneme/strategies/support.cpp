#include "mneme/strategies/support.hpp"

#include <algorithm>

#include "mneme/strategies/rows.hpp"

namespace mneme {

std::string family_of(StrategyRow const& row) {
  for (auto const& family : strategy_families())
    for (auto const& own : family.rows())
      if (own.info.name == row.info.name) return family.name;
  return "";
}

std::vector<std::string> scenarios_of(Needs const& needs) {
  if (needs.task_at_test) return {"task"};
  return {"task", "domain", "class"};
}

std::vector<std::string> claimed_scenarios(StrategyRow const& row, bool fails) {
  std::vector<std::string> list;
  for (auto const& claim : row.claims)
    if (claim.fails == fails && std::ranges::find(list, claim.scenario) == list.end()) list.push_back(claim.scenario);
  return list;
}

std::string short_memory(StrategyRow const& row) { return row.memory.substr(0, row.memory.find_first_of(",;")); }

}  // namespace mneme
