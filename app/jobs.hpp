// Units of a run in processes of their own, a number of them at a time.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "mneme/experiment/run.hpp"

namespace mneme::app {

struct ExecuteFlags;

/// The end of --stop-after for the whole run, however many units it has.
class Deadline {
 public:
  /// Empty: none. ConfigError for what is no time.
  explicit Deadline(std::string const& duration);
  /// Not below zero; nothing without a deadline.
  [[nodiscard]] std::optional<double> seconds_left() const;

 private:
  using Clock = std::chrono::steady_clock;
  std::optional<Clock::time_point> end_;
};

/// All units of a run, in the order of its waves, at most --jobs at once; gives the first exit status that is not 0. A
/// unit begins as soon as what it stands on is there. After a stop or a failure to write no further unit is begun;
/// after any other failure the others finish.
int in_processes(ExperimentRun& run, ExecuteFlags const& flags, Deadline const& deadline);

}  // namespace mneme::app
