// The parts of a report's page, each from boards or run folders to HTML.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "mneme/report/board.hpp"
#include "mneme/report/figure.hpp"

namespace mneme {

/// The page as it grows: HTML, and the figures that report.js draws, by id.
class Page {
 public:
  std::string body;
  std::string qualifier;  // follows the titles of sections, where several boards have sections of the same title

  void section(std::string const& id, std::string const& title, std::string const& note = "");
  void end_section();
  void add(Figure const& figure);
  /// Figures side by side where there is room.
  void add(std::vector<Figure> const& figures);

  [[nodiscard]] Json const& figures() const { return figures_; }
  /// Links to the sections that have been opened.
  [[nodiscard]] std::string contents() const;

 private:
  Json figures_ = Json::object();
  std::vector<std::pair<std::string, std::string>> sections_;
};

/// Sample data, failed arms, runs that still go, lines that were skipped.
std::string notices(std::span<RunFolder const> runs);

void add_results(Page& page, Board const& board);     // the table {before, after A, after B}, final numbers
void add_curves(Page& page, Board const& board);      // every task over time; losses
void add_bars(Page& page, Board const& board);        // final values, forgetting, a sweep
void add_matrices(Page& page, Board const& board);    // evaluation matrices as coloured tables
void add_classes(Page& page, Board const& board);     // accuracy by class, confusion matrices, calibration
void add_unlearning(Page& page, Board const& board);  // what is left of what was to be forgotten
void add_risk(Page& page, Board const& board);        // error on true data against error on what is trained on
void add_generation(Page& page, Board const& board);  // what is reconstructed and drawn of each domain
/// For each scenario of two arms or more: who comes first, what it keeps, how long it takes.
void add_standings(Page& page, Board const& board);
void add_pictures(Page& page, Board const& board);  // samples and reconstructions, before and after side by side
void add_importance(Page& page, Board const& board);
void add_time(Page& page, Board const& board);
void add_runs(Page& page, std::span<RunFolder const> runs);  // data, seeds, configuration, environment, command

}  // namespace mneme
