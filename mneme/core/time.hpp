// Time of day for names and logs, and the clock that says where a run's time goes.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "mneme/core/json.hpp"

namespace mneme {

enum class TimeFormat {
  kIso,      // 2025-01-31T14:23:05Z
  kCompact,  // 20250131T142305Z, for names of files
};

std::string utc_timestamp(TimeFormat format,
                          std::chrono::system_clock::time_point time = std::chrono::system_clock::now());

enum class Lap { kData, kForward, kBackward, kOptimizer, kStrategy, kImportance, kEvaluation, kWriting };

/// Contiguous laps: each one charges all time since the one before to one phase, so that the phases sum to the total
/// and nothing is counted twice. A lap costs one reading of the steady clock.
class PhaseClock {
 public:
  static constexpr std::array<std::string_view, 8> kNames = {"data",     "forward",    "backward",   "optimizer",
                                                             "strategy", "importance", "evaluation", "writing"};

  void lap(Lap phase) {
    Clock::time_point const now = Clock::now();
    spent_[static_cast<std::size_t>(phase)] += std::chrono::duration_cast<Nanoseconds>(now - last_).count();
    last_ = now;
  }

  [[nodiscard]] double seconds(Lap phase) const;
  /// Sum of all phases: the time from construction (or restore) to the latest lap, plus what was restored.
  [[nodiscard]] double total() const;

  /// {"total": seconds, "data": seconds, ...}: what a run's summary shows and what `restore` takes.
  [[nodiscard]] Json to_json() const;
  /// Continues from what an earlier process wrote; the time between the two counts for neither. Throws CheckpointError
  /// when a phase is missing or no time.
  void restore(Json const& json);

 private:
  using Clock = std::chrono::steady_clock;
  using Nanoseconds = std::chrono::nanoseconds;

  std::array<std::int64_t, kNames.size()> spent_{};  // nanoseconds: sums are exact
  Clock::time_point last_ = Clock::now();
};

}  // namespace mneme
