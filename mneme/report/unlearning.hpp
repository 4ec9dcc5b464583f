// What is left of what a classifier was asked to forget, an arm a line: from the entries `unlearning` of summaries
// (docs/run-folder.md), for the report and for `mneme compare`.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "mneme/report/board.hpp"

namespace mneme {

struct UnlearningColumn {
  std::string key;    // in JSON
  std::string title;  // of a column
  double factor = 1;
  int decimals = 1;
};

/// What stands behind each arm's label, in this order.
std::span<UnlearningColumn const> unlearning_columns();

/// Arms that met one request.
struct UnlearningTable {
  std::string request;  // "class 5"
  struct Line {
    std::size_t arm = 0;                       // of the board
    std::vector<std::optional<Seeds>> values;  // one per column
    bool relearnt = true;                      // within the steps that were tried, for every seed
    [[nodiscard]] std::string text(std::size_t column) const;
  };
  std::vector<Line> lines;
};

/// One per request, in the order of the events; empty where nobody was asked to forget.
std::vector<UnlearningTable> unlearning_tables(Board const& board);

}  // namespace mneme
