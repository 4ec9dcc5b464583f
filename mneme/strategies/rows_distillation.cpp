#include "mneme/strategies/rows.hpp"

namespace mneme {

std::vector<StrategyRow> distillation_rows() { return {}; }

}  // namespace mneme
