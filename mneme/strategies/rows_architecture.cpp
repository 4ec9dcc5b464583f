#include "mneme/strategies/rows.hpp"

namespace mneme {

std::vector<StrategyRow> architecture_rows() { return {}; }

}  // namespace mneme
