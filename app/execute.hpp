// Executing a run folder, in this process or in several: what `run`, `resume` and `branch` have in common.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "command.hpp"
#include "mneme/experiment/run.hpp"

namespace mneme::app {

struct ExecuteFlags {
  bool allow_drift = false;
  bool json = false;
  std::optional<std::int64_t> jobs;
  std::string stop_after;
  std::vector<std::string> data;
};
void add_execute_flags(Command& command, ExecuteFlags& flags);

/// ConfigError for a value that makes no sense; to be called before a folder is made.
void check_flags(ExecuteFlags const& flags);

/// Does what is left to do, writes summary and report, prints results. The exit code: 0, or that of the first failure;
/// a failing arm does not keep the others from finishing.
int execute(ExperimentRun& run, ExecuteFlags const& flags);

/// One unit in this process, with lines on stderr and in its log. 0 or the exit status; a failure has been reported.
int execute_unit(ExperimentRun& run, Unit const& unit, bool allow_drift, std::optional<double> seconds);

/// Whether nothing further should be begun after this exit status: the run was stopped, or cannot be written.
[[nodiscard]] bool ends_the_run(int status);

/// Builds every arm once and throws what a run would throw before its first step: data that is missing or does not
/// fit, a net or a strategy that cannot take it.
void check_arms(ExperimentPlan const& plan, DataLibrary& library);

}  // namespace mneme::app
