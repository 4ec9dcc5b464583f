// LoadedArm: learner, stream and trainer of a resolved configuration: what a run trains, and what a checkpoint is read
// into that is to be asked, tested or gone on from.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "mneme/experiment/data.hpp"
#include "mneme/stream/stream.hpp"

namespace mneme {

class Learner;
class Trainer;

struct LoadedArm {
  LoadedArm();
  LoadedArm(LoadedArm&&) noexcept;
  LoadedArm& operator=(LoadedArm&&) noexcept;
  ~LoadedArm();
  Json data;  // DataRecord
  Stream stream;
  std::unique_ptr<Learner> learner;
  std::unique_ptr<Trainer> trainer;
};
/// Where a run folder keeps what belongs to one seed of an arm.
[[nodiscard]] std::filesystem::path seed_folder(std::filesystem::path const& run, std::string const& arm,
                                                std::int64_t seed);
/// `tree`: an arm of a plan; `where`: what it is called in messages. Throws ConfigError and DataError.
[[nodiscard]] LoadedArm build_arm(Json const& tree, std::string const& where, std::int64_t seed, DataLibrary& library);
/// The same with a checkpoint of a run folder in it (empty name: the newest; "branched":
/// what a branch began with).
[[nodiscard]] LoadedArm load_arm(std::filesystem::path const& run, std::string const& arm, std::int64_t seed,
                                 std::string const& checkpoint, DataLibrary& library, bool allow_drift);

}  // namespace mneme
