// The figures of a board: values of every task over time, final values and forgetting, losses, time.
#pragma once

#include <string>
#include <vector>

#include "mneme/report/figure.hpp"

namespace mneme {

/// One figure per task: its metric over optimizer steps, arms overlaid. Drawn from the `curve` evaluations where a run
/// logged any, from the full test set otherwise.
std::vector<Figure> metric_figures(Board const& board);
/// True where a metric figure is drawn from a fixed part of the test set.
bool drawn_from_part(Board const& board);

/// Final value and forgetting of every task, one bar per arm.
Figure final_figure(Board const& board);
Figure forgetting_figure(Board const& board);

/// One figure per task and number that stands under `key` of evaluation lines, over steps: "loss_parts" (BCE, KL) or
/// "figures" (PSNR, domain accuracy); none where no arm logged any.
std::vector<Figure> part_figures(Board const& board, std::string const& key);

/// The training loss over steps, and one figure for each of its named terms.
std::vector<Figure> training_figures(Board const& board);

/// Where the wall time went: one bar per arm, mean over its seeds.
Figure time_figure(Board const& board);

}  // namespace mneme
