// Revisiting: what is measured and drawn at the end of events, once more from a stored arm's checkpoints, for runs that
// were made without a judge, or before a figure or picture existed. Figures, pictures, codes and what a judge says are
// made anew and stand where the run would have put them; nothing trains, and matrix and checkpoints stay as they are.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "mneme/experiment/judge.hpp"

namespace mneme {

struct RevisitOptions {
  std::optional<std::string> judge;                      // experiment in place of that of the run's own, if any
  std::optional<std::int64_t> samples;                   // likewise
  std::function<void(std::string const&)> on_line = {};  // what is being done, for people
};

/// One finished arm and seed of a run that this process holds the lock of. An event is left as it was where its
/// checkpoint is gone or does not give the accuracy that stands in the matrix (a strategy changed the net at the end of
/// the event, after the checkpoint). ConfigError where the arm is not finished.
void revisit(ExperimentRun const& run, std::string const& arm, std::int64_t seed, RevisitOptions const& options,
             DataLibrary& library);

}  // namespace mneme
