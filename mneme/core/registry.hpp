// Registries: one table per kind of part. A row is plain data; there are no self-registering statics, so a table is a
// file that a person reads. Lookup by name or alias; an unknown name is a ConfigError with the nearest and all known.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mneme/core/errors.hpp"
#include "mneme/core/options.hpp"

namespace mneme {

/// What every registry row says about its part; `mneme list` and `mneme explain` print it.
struct PartInfo {
  std::string name;
  std::vector<std::string> aliases = {};
  std::string summary;           // one line
  std::string equation = {};     // with the exact factors
  std::string paper = {};        // authors, year, title, identifier
  std::string differences = {};  // from the paper; empty means none known
  OptionList (*options)() = nullptr;
};

template <class Row>
std::vector<std::string> names_of(std::span<Row const> rows) {
  std::vector<std::string> names;
  for (auto const& row : rows) names.push_back(row.info.name);
  return names;
}

/// `kind` is the word for messages: "strategy", "net", "stream".
template <class Row>
Row const& find_row(std::span<Row const> rows, std::string_view kind, std::string_view name) {
  for (auto const& row : rows) {
    if (row.info.name == name) return row;
    for (auto const& alias : row.info.aliases)
      if (alias == name) return row;
  }
  throw ConfigError("unknown " + std::string(kind) + " '" + std::string(name) +
                    "': " + suggestion(name, names_of<Row>(rows)));
}

}  // namespace mneme
