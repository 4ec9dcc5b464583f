// RunRecipe: a run that can be made again and again, whole or with a stop in the middle, and what came out of it. Two
// outcomes are equal when every bit is: parameters, optimizer, matrix, and the log without its times.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mneme/train/trainer.hpp"

namespace mneme {

struct RunRecipe {
  std::function<std::unique_ptr<Learner>(std::uint64_t seed)> learner;
  std::function<StrategyList(std::uint64_t seed)> strategies = [](std::uint64_t) { return StrategyList(); };
  Stream stream;
  TrainOptions train = {};
  EvaluationOptions evaluation = {};

  /// Two toy tasks (toy.hpp), two epochs of five steps each, every step logged.
  static RunRecipe toy(std::string const& learner = "classifier");
};

struct RunOutcome {
  std::string parameter_hash, training_hash;
  EvaluationMatrix matrix;
  std::vector<std::string> lines;  // of metrics.jsonl, without times
  std::int64_t steps = 0;
  bool finite = true;  // parameters

  bool operator==(RunOutcome const&) const = default;
};

enum class Interruption {
  kAsked,  // the run is asked to stop: it finishes the step, writes a checkpoint and throws Stopped
  kCrash,  // an exception in the middle of the step, which no checkpoint is taken of
};

/// The run from beginning to end, logged in `folder`.
[[nodiscard]] RunOutcome run_whole(RunRecipe const& recipe, std::uint64_t seed, std::filesystem::path const& folder);
/// The same run, interrupted at step `step` (1-based) and gone on with by new objects from the newest checkpoint, or
/// from nothing where there is none. Checkpoints are taken every `checkpoint_seconds`; 0: after every step.
[[nodiscard]] RunOutcome run_interrupted(RunRecipe const& recipe, std::uint64_t seed,
                                         std::filesystem::path const& folder, std::int64_t step, Interruption kind,
                                         double checkpoint_seconds = 0);

/// A line of metrics.jsonl without `time` and keys that end in `_seconds`: what two equal runs agree in.
[[nodiscard]] Json without_times(Json line);

}  // namespace mneme
