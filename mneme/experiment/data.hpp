// Where an experiment's data sets come from: the catalogue, the embedded sample, or the user's own files. Each set is
// read once per process and shared by all arms.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "mneme/core/json.hpp"
#include "mneme/data/dataset.hpp"
#include "mneme/data/locate.hpp"
#include "mneme/experiment/own_data.hpp"

namespace mneme {

class DataLibrary {
 public:
  DataLibrary() = default;
  explicit DataLibrary(DataSearch search) : search_(std::move(search)) {}
  [[nodiscard]] DataSearch const& search() const { return search_; }

  /// `tree`: an arm's resolved configuration; its `data` and `datasets` say where to look.
  Dataset get(Json const& tree, std::string const& name, std::string const& split);

 private:
  DataSearch search_;
  std::map<std::string, Dataset> loaded_;
};

/// Which data an arm uses, as a summary says it: {kind: full | sample | custom, sets: [{name, split, count, sha256}]}.
class DataRecord {
 public:
  explicit DataRecord(std::string kind) : kind_(std::move(kind)) {}
  void add(Dataset const& set, std::string const& split, bool own);
  [[nodiscard]] Json to_json() const { return {{"kind", kind_}, {"sets", sets_}}; }

 private:
  std::string kind_;
  Json sets_ = Json::array();
};

/// What several arms use together.
[[nodiscard]] Json united(std::vector<Json> const& records);
/// Throws DataError when a set of `now` is not what `then` says of it.
void refuse_other_data(Json const& then, Json const& now);

}  // namespace mneme
