// What is left of what was asked to be forgotten, an arm a line: of a classifier from the entries `unlearning` of
// summaries, of a conditional model from what its judge says (docs/run-folder.md). For the report and `mneme compare`.
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
  bool brief = false;  // in the terminal too
};

/// Arms that met one request.
struct UnlearningTable {
  std::string request;                        // "class 5"
  std::span<UnlearningColumn const> columns;  // what stands behind each arm's label, in this order
  struct Line {
    std::size_t arm = 0;                       // of the board
    std::vector<std::optional<Seeds>> values;  // one per column
    bool relearnt = true;                      // within the steps that were tried, for every seed where they were
  };
  std::vector<Line> lines;
  [[nodiscard]] std::string text(Line const& line, std::size_t column) const;
};

/// One per request, in the order of the events, and one for all that a conditional model was asked for; empty where
/// nobody was asked to forget.
std::vector<UnlearningTable> unlearning_tables(Board const& board);

}  // namespace mneme
