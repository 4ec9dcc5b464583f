// Runs against each other: one row per run and arm, and a warning for everything that makes the rows not comparable.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "mneme/report/standing.hpp"
#include "mneme/report/unlearning.hpp"

namespace mneme {

struct ComparisonRow {
  std::string run;  // name of the run's folder
  std::string arm;
  std::string strategy;
  std::string metric;
  std::string scenario;                            // as the run declares it; empty where it does not
  std::vector<std::optional<Seeds>> final_values;  // one per task of the comparison
  std::optional<Seeds> average;
  std::optional<Seeds> average_incremental;
  std::optional<Seeds> forgetting;
  std::optional<Seeds> bwt;
  std::optional<Seeds> fwt;
  std::optional<Seeds> intransigence;
  std::optional<Seeds> steps;
  std::optional<Seeds> parameters;
  std::optional<Seeds> seconds;
  std::optional<Seeds> memory_bytes;
  std::string kept;  // memory_bytes as text; "all data" for joint and cumulative
};

/// The arms of one scenario, stream and metric, best average first.
struct Ranking {
  std::string scenario;
  std::string title;  // "class-incremental, 5 tasks"
  std::string metric;
  struct Place {
    std::size_t row;    // of the comparison
    std::string label;  // the arm, with its run in front where two in this ranking share the name
    std::optional<Gain> over_naive;
  };
  std::vector<Place> places;
};

/// What is left of one request to forget.
struct Forgetting {
  std::size_t first_row = 0;  // row of the board's first arm, from which `table` counts
  UnlearningTable table;
};

struct Comparison {
  std::vector<std::string> tasks;  // of all runs, in order of first mention
  std::vector<ComparisonRow> rows;
  std::vector<Ranking> rankings;
  std::vector<Forgetting> forgetting;
  std::vector<std::string> notes;     // why something is empty
  std::vector<std::string> warnings;  // what differs
  std::vector<std::string> failures;  // arms and seeds that are left out

  [[nodiscard]] Json to_json() const;
};

/// Warns where data (SHA-256), learner, net, number of parameters, steps or metric differ.
Comparison compare_runs(std::span<RunFolder const> runs);

/// Aligned columns for a terminal: final values, then the rankings and requests to forget, with the notes and warnings
/// below.
std::string to_text(Comparison const& comparison);

/// The rankings and requests as Markdown tables, one heading each: for a page of documentation.
std::string to_markdown(Comparison const& comparison);

/// Why intransigence is empty for some arms; empty where it is not.
std::string why_no_intransigence(Board const& board);

}  // namespace mneme
