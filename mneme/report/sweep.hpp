// Sweeps: arms that differ in one number of their strategy, such as EWC's lambda.
#pragma once

#include "mneme/report/figure.hpp"

namespace mneme {

/// The final value of every task against that number, in rising order. Empty unless three or more arms differ in it
/// and in nothing else of their strategies.
Figure sweep_figure(Board const& board);

}  // namespace mneme
