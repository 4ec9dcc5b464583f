// Everything that has a name: the registries' parts and the sections of an experiment file, for list, explain, help
// and the options page.
#pragma once

#include <string>
#include <vector>

#include "mneme/core/registry.hpp"

namespace mneme::app {

struct Kind {
  std::string plural, singular;
  std::string key;  // where such a part stands in an experiment file
  std::vector<PartInfo const*> parts;
};
/// strategies, learners, nets, streams, changes.
[[nodiscard]] std::vector<Kind> const& kinds();

struct Section {
  std::string key;  // "", "train", "evaluate", "datasets.<name>"
  std::string summary;
  OptionList options;
};
[[nodiscard]] std::vector<Section> const& sections();

/// "0 or more", "above 0, at most 0.5", "new | keep".
[[nodiscard]] std::string range_of(OptionInfo const& option);
/// "passes over each task (epochs)".
[[nodiscard]] std::string help_of(OptionInfo const& option);
/// Aligned columns: key, default, what it is and may be, where the default comes from.
[[nodiscard]] std::string option_table(OptionList const& options, std::string const& prefix);

}  // namespace mneme::app
