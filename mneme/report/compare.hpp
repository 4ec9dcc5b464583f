// Runs against each other: one row per run and arm, and a warning for everything that makes the rows not comparable.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "mneme/report/board.hpp"

namespace mneme {

struct ComparisonRow {
  std::string run;  // name of the run's folder
  std::string arm;
  std::string strategy;
  std::string metric;
  std::vector<std::optional<Seeds>> final_values;  // one per task of the comparison
  std::optional<Seeds> average;
  std::optional<Seeds> forgetting;
  std::optional<Seeds> bwt;
  std::optional<Seeds> steps;
  std::optional<Seeds> seconds;
};

struct Comparison {
  std::vector<std::string> tasks;  // of all runs, in order of first mention
  std::vector<ComparisonRow> rows;
  std::vector<std::string> warnings;  // what differs
  std::vector<std::string> failures;  // arms and seeds that are left out

  [[nodiscard]] Json to_json() const;
};

/// Warns where data (SHA-256), learner, net, number of parameters, steps or metric differ.
Comparison compare_runs(std::span<RunFolder const> runs);

/// Aligned columns for a terminal, the warnings below.
std::string to_text(Comparison const& comparison);

}  // namespace mneme
