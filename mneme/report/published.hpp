// Published tables: experiments whose figures somebody has printed, and what we make of them. A table is an experiment
// file with a [published] section (experiments/published/*.toml); a cell is one arm of it.
//
//   [published]
//   source = "..."          minutes = 3.5       # of one cell and seed on one core
//   naive = "none"                               # the arm that a cell must differ from
//   cell.ewc = { value = 85.48, sem = 1.0, seeds = 20 }        # per cent; or tolerance = 3; verified = false
//
// A cell is reproduced if |ours - published| <= max(1, 2 sqrt(sem_published^2 + sem_ours^2)), in points, ours the mean
// over at least three seeds, none left out; <= 3 where the source gives a tolerance of 3, or no spread.
//
// A cell within 3 points of its table's naive cell says little by its value. It counts only with a proof that the
// method did something: parameters that differ from the naive arm's, and a term or a trace above 0 where it logs one;
// and at most eight of them count.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mneme/report/run_folder.hpp"

namespace mneme {

struct PublishedCell {
  std::string name;  // "<table>/<arm>"
  std::string arm;
  double value = 0;  // per cent
  std::optional<double> sem, tolerance;
  std::int64_t seeds = 0;  // that the source averaged over; 0: not said
  bool verified = true;    // false: from memory; never counted
  bool near_naive = false;
  std::string note;
  std::string protocol;  // hash of what the table and the arm say of data, net, training and method
};

struct PublishedTable {
  std::string name, title, source;
  double minutes = 0;
  std::string naive;  // arm; empty: none in the table
  Json experiment;    // the file without [published]
  std::vector<PublishedCell> cells;
};

/// Every table of the catalogue, in the order of their names. ConfigError names what is wrong in one.
[[nodiscard]] std::vector<PublishedTable> published_tables();
[[nodiscard]] PublishedTable published_table(std::string const& text, std::string const& name);

/// What was measured for one cell.
struct CellResult {
  std::map<std::int64_t, double> values;              // per cent, by seed
  std::optional<bool> differs_from_naive;             // in every seed; empty: not compared in each
  std::optional<double> largest_term, largest_trace;  // of the log lines; empty: none logged
  double minutes = 0;                                 // of all seeds together, one core
  std::string version;
  std::string protocol;  // of the cell when it was measured

  /// Takes the seeds of another measurement of the same cell; of those that both have, the other's values.
  void join(CellResult const& other);
  [[nodiscard]] Json to_json() const;
  static CellResult from_json(Json const& json);
};

/// Reads a finished run of the table's experiment. Cells of arms that the run does not have, or of which a seed has not
/// finished, are left out.
[[nodiscard]] std::map<std::string, CellResult> measured_cells(PublishedTable const& table, RunFolder const& run);

enum class Verdict { kReproduced, kDiffers, kNotTried };
[[nodiscard]] std::string to_text(Verdict verdict);

/// The largest difference in points at which a cell is reproduced.
[[nodiscard]] double allowed_difference(PublishedCell const& cell, Spread const& ours);
/// Fewer than three seeds, or measured under another protocol: not tried.
[[nodiscard]] Verdict verdict(PublishedCell const& cell, CellResult const* result);
/// Whether the method is seen to have done something.
[[nodiscard]] bool active(CellResult const& result);

/// Reproduced, verified cells, those near naive only with their proof and at most eight of them.
[[nodiscard]] std::int64_t counted(std::vector<PublishedTable> const& tables,
                                   std::map<std::string, CellResult> const& results);

/// REPRODUCIBILITY.md.
[[nodiscard]] std::string reproducibility_page(std::vector<PublishedTable> const& tables,
                                               std::map<std::string, CellResult> const& results);

}  // namespace mneme
