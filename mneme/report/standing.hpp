// Who comes first, and at what cost: the arms of one scenario by their average, with what they keep and how long they
// take.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mneme/report/figure.hpp"

namespace mneme {

/// Arms of a board that were trained on the same tasks and data in the same scenario.
struct Standing {
  std::string scenario;             // as the runs declare it; empty where they do not
  std::string title;                // "class-incremental, 5 tasks"
  std::vector<std::size_t> arms;    // into Board::arms: finished ones, best average first, then the others
  std::vector<std::string> labels;  // of each: its name, with the run in front where two in this ranking share it
};

/// In order of first mention. Every arm of the board stands in exactly one.
std::vector<Standing> standings(Board const& board);

/// The difference of two means, and its standard error sqrt(d_1^2/n_1 + d_2^2/n_2) where both have a deviation.
struct Gain {
  double mean = 0;
  std::optional<double> error;
};
/// How much better (above 0) the arm's average is than that of naive: of the naive arm of its own run, else of the
/// first one. nullopt for naive itself and where there is none.
std::optional<Gain> over_naive(Board const& board, Standing const& standing, std::size_t arm);

/// "+12.3 ± 0.8", in the metric's shown unit; "–" for nullopt.
std::string show_gain(std::optional<Gain> const& gain, MetricStyle const& style);

/// What an arm keeps: "163 kB"; "all data" for joint and cumulative; "–" where the summary does not say.
std::string show_kept(ArmGroup const& arm);

/// Average against the bytes that the strategy keeps (without the arms that read all data), and against wall time.
Figure memory_figure(Board const& board, Standing const& standing);
Figure cost_figure(Board const& board, Standing const& standing);

}  // namespace mneme
