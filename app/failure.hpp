// What a failure prints, and the exit status that it gives.
#pragma once

#include <exception>
#include <string>

namespace mneme::app {

/// Prints the failure on stderr, `where` in front if it is not empty, and gives the exit status: that of its class,
/// 128 + the signal for a run that a signal stopped, 70 for what should not have happened.
int report_failure(std::exception const& failure, std::string const& where = "");

}  // namespace mneme::app
