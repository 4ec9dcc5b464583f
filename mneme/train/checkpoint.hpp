// Checkpoints: a folder with tensors.safetensors and state.json, written under a temporary name and renamed, so that a
// crash at any instant leaves the last good one. Event checkpoints are kept, of the others the newest two.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "mneme/core/json.hpp"
#include "mneme/nets/archive.hpp"

namespace mneme {

/// What a run's bits depend on beside its configuration: torch version, threads, the processor's
/// vendor and vector capability.
[[nodiscard]] Json run_identity();

class CheckpointStore {
 public:
  /// Checkpoints stand in `folder`, which is made on first use.
  CheckpointStore(std::filesystem::path folder, double every_seconds);

  /// Whether a periodic checkpoint is due.
  [[nodiscard]] bool due() const;
  /// Writes `<folder>/<name>`; kept ones are never pruned. Throws IoError and leaves what was there.
  void save(std::string const& name, Archive const& archive, bool keep);

  /// Removes all that is no event's end: periodic ones, and what a branch began with.
  void keep_events_only() const;

  /// The newest checkpoint that is whole; a damaged one is passed over. CheckpointError when all there are are damaged.
  [[nodiscard]] std::optional<std::filesystem::path> newest() const;
  /// The newest of those that a trainer took after `step` steps or fewer.
  [[nodiscard]] std::optional<std::filesystem::path> newest_before(std::int64_t step) const;
  /// Of those whose state can be read, oldest first.
  [[nodiscard]] std::vector<std::string> names() const;
  /// A checkpoint by name ("event-0") or the newest for an empty name. CheckpointError names what there is.
  [[nodiscard]] std::filesystem::path find(std::string const& name) const;

 private:
  struct Entry {
    std::filesystem::path path;
    std::int64_t sequence;
    bool keep;
  };
  /// Those with a name, or what a killed process was writing.
  [[nodiscard]] std::vector<std::filesystem::path> folders(bool unfinished) const;
  [[nodiscard]] std::vector<Entry> entries() const;  // those whose state can be read, oldest first
  void remove_unfinished() const;
  void prune() const;

  std::filesystem::path folder_;
  std::chrono::steady_clock::duration every_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

/// Reads a checkpoint folder. Throws CheckpointError when it is damaged, or when it was written under another identity
/// and `allow_drift` is false; the message names the difference. `device` is where the run goes on: a checkpoint of
/// another kind of device is of another identity.
[[nodiscard]] Archive read_checkpoint(std::filesystem::path const& checkpoint, bool allow_drift,
                                      at::Device device = at::kCPU);

}  // namespace mneme
