#include "mneme/strategies/rows.hpp"

namespace mneme {

std::vector<StrategyRow> generative_rows() { return {}; }

}  // namespace mneme
