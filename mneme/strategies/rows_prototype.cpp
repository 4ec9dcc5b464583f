#include "mneme/strategies/rows.hpp"

namespace mneme {

std::vector<StrategyRow> prototype_rows() { return {}; }

}  // namespace mneme
