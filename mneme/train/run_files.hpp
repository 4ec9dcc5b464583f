// The files of a run that a trainer writes.
#pragma once

#include <filesystem>

#include "mneme/core/files.hpp"
#include "mneme/train/checkpoint.hpp"

namespace mneme {

/// Where a trainer leaves its log and checkpoints; without one it leaves nothing.
struct RunFiles {
  explicit RunFiles(std::filesystem::path const& where, double checkpoint_seconds = 60);
  std::filesystem::path folder;
  AppendLog metrics, log, samples;  // metrics.jsonl, log.txt, samples/index.jsonl
  CheckpointStore checkpoints;
};

}  // namespace mneme
