// From the command line to a plan: an experiment from a file or the catalogue, with what -s and other flags change.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "command.hpp"
#include "mneme/core/config.hpp"
#include "mneme/data/locate.hpp"
#include "mneme/experiment/plan.hpp"

namespace mneme::app {

/// Flags that change a configuration; `run`, `branch` and `config` share them.
struct ChangeFlags {
  std::vector<std::string> set;
  std::optional<std::int64_t> seed, threads;
  std::string seeds, device;
  bool sample = false;
};

/// The flags with the help of the configuration keys that they stand for.
void add_change_flags(Command& command, ChangeFlags& flags);
void add_data_flag(Command& command, std::vector<std::string>& folders);

/// Where data sets are looked for, the folders of --data first.
[[nodiscard]] DataSearch data_search(std::vector<std::string> const& folders);

/// The experiment as written, from a TOML file or by its name in the catalogue. Parts that are given by name only
/// become tables with `kind`, so that -s may set their options; paths of the user's own data sets are taken from the
/// file's folder.
[[nodiscard]] ConfigLayers load_experiment(std::string const& file_or_name);

/// Lays the flags on top. ConfigError also for a strategy that no arm would see.
void apply_changes(ConfigLayers& layers, ChangeFlags const& flags);

/// The layers as one tree, as plan_experiment takes it.
[[nodiscard]] Json experiment_tree(ConfigLayers const& layers);

}  // namespace mneme::app
