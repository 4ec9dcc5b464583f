// Where an experiment's data sets come from: the catalogue, the embedded sample, or the user's own files. Each set is
// read once per process and shared by all arms.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "mneme/core/json.hpp"
#include "mneme/core/options.hpp"
#include "mneme/data/dataset.hpp"
#include "mneme/data/locate.hpp"

namespace mneme {

/// A data set of the user's own: [datasets.<name>] in the configuration.
struct OwnDataOptions {
  std::string format = "folder";
  std::string train, test;
  std::string train_labels, test_labels;
  std::string label = "label";
  std::int64_t channels = 0, height = 0, width = 0;
  void describe(OptionVisitor& v);
};

class DataLibrary {
 public:
  DataLibrary() = default;
  explicit DataLibrary(DataSearch search) : search_(std::move(search)) {}
  [[nodiscard]] DataSearch const& search() const { return search_; }

  /// `tree`: an arm's resolved configuration; its `data` and `datasets` say where to look.
  Dataset get(Json const& tree, std::string const& name, std::string const& split);

  /// What was read so far, for the summary: {kind, sets: [{name, split, count, sha256}]}.
  [[nodiscard]] Json describe(std::string const& kind) const;

 private:
  DataSearch search_;
  std::map<std::string, Dataset> loaded_;
  std::vector<Json> sets_;
};

}  // namespace mneme
