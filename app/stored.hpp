// Run folders as verbs name them: which arm, seed and checkpoint of a stored run is meant.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "command.hpp"
#include "mneme/experiment/run.hpp"

namespace mneme::app {

struct ArmFlags {
  std::string run, arm, checkpoint;
  std::optional<std::int64_t> seed;
};
/// The folder as an argument, and --arm, --seed, --checkpoint.
void add_arm_flags(Command& command, ArmFlags& flags);

/// The arm that is meant: the only one, or that of --arm. ConfigError where it is open.
[[nodiscard]] ArmPlan const& chosen_arm(ExperimentPlan const& plan, std::string const& name);

/// Learner, stream and trainer with the checkpoint in them: the end of training unless said otherwise.
struct StoredArm {
  ArmPlan plan;
  std::int64_t seed;
  LoadedArm loaded;
};
/// The id of the task of that name. Without a name: empty, or ConfigError where the run's learner has to be told.
[[nodiscard]] std::optional<std::int64_t> task_of(StoredArm const& arm, std::string const& name);
[[nodiscard]] StoredArm load_stored(ArmFlags const& flags, DataLibrary& library);

}  // namespace mneme::app
