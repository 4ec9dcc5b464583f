// experiment: from a configuration to a run folder: arms, seeds, shared prefixes, branches.
//
// Plan: what a configuration says, with every default filled in, checked before anything is written. The resolved tree
// runs again as it is.
//
//   name, title, description, data = "full" | "sample", seeds, device, threads, checkpoint_seconds
//   [stream] kind, with …   [learner] kind, net …   [train] …   [evaluate] …   [datasets.<name>] format, train, test …
//   [judge] experiment, samples: who judges what a conditional model draws
//   [risk] samples, steps: error on true data of all tasks against error on what is trained on
//   strategy = "ewc" | { kind = "ewc", … } | [ …, … ]            one arm, or
//   [arm.<name>] strategy = …, and any key above that differs      several
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "mneme/core/json.hpp"
#include "mneme/core/options.hpp"
#include "mneme/strategies/prefix.hpp"

namespace mneme {

struct RunOptions {
  std::string name = "experiment";
  std::string title;
  std::string description;
  std::string data = "full";
  std::vector<std::int64_t> seeds = {0};
  std::string device = "auto";
  std::int64_t threads = 1;
  double checkpoint_seconds = 60;
  void describe(OptionVisitor& v);
};

struct ArmPlan {
  std::string name;
  Json tree;  // resolved, without `arm`
  Prefix prefix = Prefix::kPlain;
  int shared = -1;  // number of the prefix that it shares with other arms
};

struct ExperimentPlan {
  RunOptions options;
  Json tree;  // resolved, as written to config.toml
  std::vector<ArmPlan> arms;
  int shared_prefixes = 0;

  [[nodiscard]] ArmPlan const& arm(std::string const& name) const;
};

/// Throws ConfigError for anything that cannot run, with the dotted key.
[[nodiscard]] ExperimentPlan plan_experiment(Json const& tree);
/// Of a run folder. DataError where it is none.
[[nodiscard]] ExperimentPlan stored_plan(std::filesystem::path const& run);

/// The plan as TOML that runs as it is; comments at its end say what strengths are in the canonical form where they are
/// typed in another.
[[nodiscard]] std::string config_text(ExperimentPlan const& plan);

/// Only these arms; ConfigError for an unknown name.
void keep_arms(ExperimentPlan& plan, std::vector<std::string> const& names);

/// JSON schema of the experiment file, made from the option tables.
[[nodiscard]] Json experiment_schema();

/// The catalogue: embedded experiments by name. ConfigError with the nearest name.
[[nodiscard]] std::vector<std::string> experiment_names();
[[nodiscard]] std::string experiment_text(std::string const& name);

}  // namespace mneme
