// Results of a run folder: the table on stdout and report.html.
#pragma once

#include <filesystem>
#include <string>

#include "mneme/report/run_folder.hpp"

namespace mneme::app {

/// Per arm the final value of every task, their average and the forgetting, mean ± sample deviation over the seeds.
[[nodiscard]] std::string results_table(RunFolder const& run);

/// Writes `folder`/report.html and gives its path.
std::filesystem::path write_report(RunFolder const& run);

/// What a run folder's state is: that of its summary, "interrupted" where it says "running" and no process holds the
/// lock, or "unreadable".
[[nodiscard]] std::string run_status(std::filesystem::path const& folder, Json const& summary);

}  // namespace mneme::app
