// ExperimentRun: a run folder that is being made. `start` makes the folder, `open` takes one that was stopped;
// `execute` does what is not done yet, so running and resuming are the same thing. Work is cut into units, one process
// may take any unit: shared prefixes first, then arms.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mneme/experiment/loaded_arm.hpp"
#include "mneme/experiment/plan.hpp"

namespace mneme {

class Judges;

class FolderLock;
class Observer;
struct RunFiles;

/// One prefix or one arm, of one seed.
struct Unit {
  int shared = -1;  // number of the prefix; -1: an arm
  std::string arm;
  std::int64_t seed = 0;
  [[nodiscard]] std::string label() const;
};

/// All units of a plan in the order of execution; those of one wave are independent of each other.
[[nodiscard]] std::vector<std::vector<Unit>> waves_of(ExperimentPlan const& plan);

/// What the one who executes wants to see and to limit.
struct ExecuteOptions {
  bool allow_drift = false;
  std::optional<double> stop_after_seconds;
  std::function<void(Unit const&)> on_unit = {};
  std::function<void(Unit const&, RunFiles&)> on_files = {};         // the unit's logs, open until `execute` returns
  std::vector<Observer*> observers = {};                             // see every unit
  std::function<void(std::string const& experiment)> on_judge = {};  // it is about to be trained
};

/// Where a branch starts: a stored arm's checkpoint.
struct BranchPoint {
  std::filesystem::path run;
  std::string arm;
  std::string checkpoint = "event-0";
  bool allow_drift = false;  // although torch, threads, processor or device differ
};

/// The folders that a run was started with are searched last: --data of its start need not be given again.
[[nodiscard]] DataSearch with_stored_folders(DataSearch search, std::filesystem::path const& run);

/// Throws what a branch of `plan` from there would fail with (ConfigError, CheckpointError, DataError), before anything
/// is made: other data, a strategy that has missed something, another net or optimizer, a damaged checkpoint.
void check_branch(ExperimentPlan const& plan, BranchPoint const& from, DataLibrary& library);

/// An arm (a resolved tree) with that point of the stored run in it, as a branch begins. Throws as `load_arm`, and
/// DataError where its data are others.
[[nodiscard]] LoadedArm branched_arm(Json const& tree, std::string const& where, std::int64_t seed,
                                     BranchPoint const& from, DataLibrary& library);

class ExperimentRun {
 public:
  /// Makes `out`/<name>/<time>-<hash>/ with config.toml and environment.json. IoError if it cannot be written. What
  /// `library` has loaded already is not read again. A branch has the stored arm's checkpoint laid under each of its
  /// arms and seeds, after `check_branch`. Until all of that is there the folder is no run and cannot be resumed.
  static ExperimentRun start(ExperimentPlan plan, std::filesystem::path const& out, std::string command,
                             DataLibrary library, std::optional<BranchPoint> const& from = std::nullopt);
  /// Opens a run folder. DataError if it is none; ConfigError if another process holds it.
  static ExperimentRun open(std::filesystem::path const& folder, DataSearch search, bool lock = true);

  [[nodiscard]] std::vector<std::vector<Unit>> waves() const { return waves_of(plan_); }
  [[nodiscard]] bool finished(Unit const& unit) const;
  /// Whether the shared prefix that it stands on, if any, is trained.
  [[nodiscard]] bool ready(Unit const& unit) const;
  /// Runs one unit from where it stands. Throws Stopped, and whatever training throws; the failure is in the summary.
  void execute(Unit const& unit, ExecuteOptions const& options);

  /// Gathers the arms' summaries into summary.json.
  void write_summary(std::string const& status) const;
  [[nodiscard]] Json summary() const;

  [[nodiscard]] std::filesystem::path const& folder() const { return folder_; }
  [[nodiscard]] ExperimentPlan const& plan() const { return plan_; }

 private:
  void lay(BranchPoint const& from) const;
  ExperimentRun(std::filesystem::path folder, ExperimentPlan plan, DataLibrary library);

  struct Session;  // learner, stream and trainer of one unit
  [[nodiscard]] std::unique_ptr<Session> prepare(Unit const& unit, RunFiles& files, ExecuteOptions const& options);
  [[nodiscard]] std::filesystem::path unit_folder(Unit const& unit) const;
  void take_prefix(Unit const& unit) const;
  void write_arm(Unit const& unit, LoadedArm const& arm, std::string const& status, std::string const& error = "");

  std::filesystem::path folder_;
  ExperimentPlan plan_;
  std::shared_ptr<DataLibrary> library_;
  std::shared_ptr<FolderLock> lock_;
  std::shared_ptr<Judges> judges_;
};

/// Adds to an arm's entry what stands in its judge.json and codes.json (run_record.cpp).
void add_observed(Json& arm, std::filesystem::path const& folder, Stream const& stream);

/// environment.json: versions, compiler, processor, threads, denormals.
[[nodiscard]] Json describe_environment();

}  // namespace mneme
