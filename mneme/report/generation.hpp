// What a learner that draws by class makes of its tasks after the last event: how well it tells, encodes
// and reconstructs real test images, what a judge says of drawn ones, and what its codes are good for.
#pragma once

#include <string>
#include <vector>

#include "mneme/report/board.hpp"

namespace mneme {

/// A task's figures: a row for every arm of the board, means with deviations over the seeds. Figures that no arm has
/// are left out, tasks without any too.
struct GenerationTable {
  std::string task;
  std::vector<std::string> head;  // without the arm's name
  std::vector<std::vector<std::string>> rows;
};
/// Who judged what was drawn, and how well it tells real images apart; empty where nobody did.
[[nodiscard]] std::string about_judges(Board const& board);

/// `brief`: those that fit a terminal.
[[nodiscard]] std::vector<GenerationTable> generation_tables(Board const& board, bool brief);

}  // namespace mneme
