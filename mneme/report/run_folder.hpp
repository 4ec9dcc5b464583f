// report: run folders in, one self-contained HTML page out. Knows the run folder's contract (docs/run-folder.md) and
// nothing of the training that left it, so a report can be made again a year later. No torch here.
//
// A run folder as read from disk. Runs that are still going, were stopped or failed are read too; what had to be
// skipped (a half-written last line, a missing picture) is said in `notes` and shown in the report.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "mneme/core/json.hpp"
#include "mneme/eval/metrics.hpp"

namespace mneme {

/// One arm under one seed.
struct ArmRun {
  std::string arm;
  std::int64_t seed = 0;
  std::string status;  // running, finished, stopped, failed
  std::string error;   // only when failed
  std::string strategy;
  std::string learner;
  std::string metric;       // accuracy, negative_elbo
  EvaluationMatrix matrix;  // what has been evaluated so far; no rows before the first evaluation
  Json summary_entry;       // the arm's entry in summary.json, as it stands there
  std::filesystem::path folder;
  std::vector<Json> metrics;  // lines of metrics.jsonl, each an object
  std::vector<Json> samples;  // lines of samples/index.jsonl, each an object

  [[nodiscard]] bool failed() const { return status == "failed"; }
};

struct RunFolder {
  std::filesystem::path path;
  Json summary;
  Json environment;         // an empty object where environment.json is missing
  std::string config_text;  // config.toml as it stands; empty where it is missing
  std::vector<ArmRun> arms;
  std::vector<std::string> notes;

  /// Throws DataError, naming the file, where `folder` holds no run (no summary.json), where summary.json is no JSON,
  /// has another format version or breaks the contract.
  static RunFolder read(std::filesystem::path const& folder);

  /// As a person names it: <experiment>/<time>-<hash>.
  [[nodiscard]] std::string name() const;

  /// A string of summary.json, or `otherwise` where it is missing.
  [[nodiscard]] std::string text(char const* key, std::string const& otherwise = "") const;
};

}  // namespace mneme
