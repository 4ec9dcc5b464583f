#include "mneme/experiment/data.hpp"

#include <torch/types.h>

#include <algorithm>

#include "mneme/core/errors.hpp"
#include "mneme/data/sample.hpp"
#include "mneme/io/labelled.hpp"

namespace mneme {
namespace {

/// The test set's labels in the numbering of the training set: a split may lack a class.
void align_labels(LabelledData& test, std::vector<std::string> const& classes, std::string const& name) {
  std::vector<std::int64_t> to;
  for (auto const& c : test.class_names) {
    auto const found = std::find(classes.begin(), classes.end(), c);
    if (found == classes.end())
      throw DataError("datasets." + name + ": the test data has a class '" + c + "' that the training data lacks");
    to.push_back(found - classes.begin());
  }
  for (auto& label : test.labels)
    if (label >= 0) label = to[static_cast<std::size_t>(label)];  // -1: none
  test.class_names = classes;
}

}  // namespace

Dataset DataLibrary::get(Json const& tree, std::string const& name, std::string const& split) {
  bool const own = tree.contains("datasets") && tree["datasets"].contains(name);
  std::string const kind = own ? "own" : tree.value("data", "full");
  auto key = kind + "/" + name + "/" + split;
  if (own) key.append("/").append(tree["datasets"][name].dump());  // an arm may read other files under the same name
  if (auto const found = loaded_.find(key); found != loaded_.end()) return found->second;
  LabelledData data;
  std::int64_t test_every = 0;
  if (own) {
    auto const options = read_options<OwnDataOptions>(tree["datasets"][name], "datasets." + name);
    data = read_own_data(options, name, split);
    test_every = options.test_every;
    if (split == "test" && test_every == 0) align_labels(data, get(tree, name, "train").class_names(), name);
  } else if (kind == "sample") {
    data = load_sample(name, split);
  } else {
    data = load_dataset(name, split, search_);
  }
  auto set = Dataset::from(name, data);
  if (test_every > 0) {
    auto const in_test = at::arange(set.size(), at::kLong).remainder(test_every).eq(0);
    set = set.select((split == "test" ? in_test : in_test.logical_not()).nonzero().squeeze(1));
  }
  return loaded_.emplace(key, std::move(set)).first->second;
}

namespace {

void add_once(Json& sets, Json const& set) {
  if (std::find(sets.begin(), sets.end(), set) == sets.end()) sets.push_back(set);
}

}  // namespace

void DataRecord::add(Dataset const& set, std::string const& split, bool own) {
  if (own) kind_ = "custom";
  add_once(sets_, {{"name", set.name()}, {"split", split}, {"count", set.size()}, {"sha256", set.sha256()}});
}

Json united(std::vector<Json> const& records) {
  Json all = records.front();
  for (auto const& record : records) {
    if (record.at("kind") == "custom") all["kind"] = "custom";
    for (auto const& set : record.at("sets")) add_once(all["sets"], set);
  }
  return all;
}

void refuse_other_data(Json const& then, Json const& now) {
  auto const content = [](Json const& set) {
    return set.at("sha256").get<std::string>() + ", " + set.at("count").dump() + " samples";
  };
  for (auto const& old : then.at("sets"))
    for (auto const& set : now.at("sets"))
      if (set.at("name") == old.at("name") && set.at("split") == old.at("split") && set != old)
        throw DataError("data set " + set.at("name").get<std::string>() + " (" + set.at("split").get<std::string>() +
                        ") is not what this run was started with: it had " + content(old) + ", here it is " +
                        content(set) + ". Put the old files back, or start a new run");
}

}  // namespace mneme
