// One self-contained HTML page from one or more run folders: no network, no file beside it. Its Content-Security-Policy
// allows nothing but its own two scripts and style, named by their hashes, and data: pictures.
#pragma once

#include <span>
#include <string>

#include "mneme/report/run_folder.hpp"

namespace mneme {

/// `runs` is not empty. The page depends on the folders' contents alone: the same folders give the same bytes.
/// Throws std::invalid_argument for no runs.
std::string make_report(std::span<RunFolder const> runs);

/// The page of `mneme compare`: rankings by scenario with memory and time, final values, and what does not compare.
/// Throws std::invalid_argument for no runs.
std::string make_comparison(std::span<RunFolder const> runs);

}  // namespace mneme
