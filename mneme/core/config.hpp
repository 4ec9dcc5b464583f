// A configuration in layers: defaults, files, `-s key=value` from the command line; and which of them a value is from.
//
//   ConfigLayers config;
//   config.add("default", defaults);
//   config.add("ewc.toml", read_toml("ewc.toml"));
//   config.assign("-s", "strategy.ewc.lambda=1e3");
//   config.merged();                                // one tree
//   config.origin("strategy.ewc.lambda");           // "-s"
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mneme/core/json.hpp"

namespace mneme {

/// Lays `over` on `base`: tables are merged key by key, everything else (lists too) is replaced.
void merge(Json& base, Json const& over);

/// Sets one value by "path.to.key=value". The value is TOML (`1e3`, `true`, `[1, 2]`, `{ a = 1 }`, `"text"`); what is
/// none is taken as a string, so that plain words need no quotes. A number in the path counts the elements of a list
/// from 0. Missing tables are created. Throws ConfigError that names the assignment.
void apply_override(Json& tree, std::string const& assignment);

/// Every leaf with its dotted key, in order: scalars, lists without tables, empty tables. Keys that are not bare words
/// stand in quotes; elements of a list of tables are counted from 0.
std::vector<std::pair<std::string, Json>> flatten(Json const& tree);

class ConfigLayers {
 public:
  /// Lays `layer` over what is there. `name` is what `origin` answers: "default", a file name.
  void add(std::string const& name, Json const& layer);
  /// The same for one assignment (see apply_override).
  void assign(std::string const& name, std::string const& assignment);

  [[nodiscard]] Json const& merged() const { return tree_; }
  /// The name of the layer that the leaf with this dotted key (as `flatten` writes it) came from; empty when there is
  /// no such leaf.
  [[nodiscard]] std::string origin(std::string const& key) const;

 private:
  template <class IsNew>
  void update_origins(std::string const& name, IsNew const& is_new);

  Json tree_ = Json::object();
  std::map<std::string, std::string> origins_;
};

}  // namespace mneme
