#include "mneme/experiment/data.hpp"

#include <algorithm>

#include "mneme/core/errors.hpp"
#include "mneme/data/sample.hpp"
#include "mneme/io/csv.hpp"
#include "mneme/io/image_folder.hpp"
#include "mneme/io/labelled.hpp"

namespace mneme {
namespace {

LabelledData read_own(OwnDataOptions const& o, std::string const& name, std::string const& split) {
  auto const& path = split == "train" ? o.train : o.test;
  if (path.empty()) throw ConfigError("datasets." + name + "." + split + ": missing; name a file or folder");
  if (o.format == "folder")
    return read_image_folder(path, {.channels = static_cast<int>(o.channels), .height = o.height, .width = o.width});
  if (o.format == "csv") return read_csv(path, {.label = o.label, .delimiter = ',', .header = true});
  auto const& labels = split == "train" ? o.train_labels : o.test_labels;
  if (labels.empty())
    throw ConfigError("datasets." + name + "." + split + "_labels: missing; idx images need a file of labels");
  return read_idx_pair(path, labels);
}

/// The test set's labels in the numbering of the training set: a split may lack a class.
void align_labels(LabelledData& test, std::vector<std::string> const& classes, std::string const& name) {
  std::vector<std::int64_t> to;
  for (auto const& c : test.class_names) {
    auto const found = std::find(classes.begin(), classes.end(), c);
    if (found == classes.end())
      throw DataError("datasets." + name + ": the test data has a class '" + c + "' that the training data lacks");
    to.push_back(found - classes.begin());
  }
  for (auto& label : test.labels) label = to[static_cast<std::size_t>(label)];
  test.class_names = classes;
}

}  // namespace

void OwnDataOptions::describe(OptionVisitor& v) {
  v.field("format", format,
          {.help = "folder: <dir>/<class>/*.png; csv: a table; idx: images and labels as MNIST has them",
           .choices = {"folder", "csv", "idx"}});
  v.field("train", train, {.help = "training data: folder or file"});
  v.field("test", test, {.help = "test data: folder or file"});
  v.field("train_labels", train_labels, {.help = "idx: file of the training labels"});
  v.field("test_labels", test_labels, {.help = "idx: file of the test labels"});
  v.field("label", label, {.help = "csv: name of the label column"});
  v.field("channels", channels, {.help = "folder: 1 gray, 3 colour, 0 as found", .min = 0, .max = 3});
  v.field("height", height, {.help = "folder: resize to this height; 0: as found", .unit = "pixels", .min = 0});
  v.field("width", width, {.help = "folder: resize to this width; 0: as found", .unit = "pixels", .min = 0});
}

Dataset DataLibrary::get(Json const& tree, std::string const& name, std::string const& split) {
  bool const own = tree.contains("datasets") && tree["datasets"].contains(name);
  std::string const kind = own ? "own" : tree.value("data", "full");
  auto key = kind + "/" + name + "/" + split;
  if (own) key.append("/").append(tree["datasets"][name].dump());  // an arm may read other files under the same name
  if (auto const found = loaded_.find(key); found != loaded_.end()) return found->second;
  LabelledData data;
  if (own) {
    auto const options = read_options<OwnDataOptions>(tree["datasets"][name], "datasets." + name);
    data = read_own(options, name, split);
    if (split == "test") align_labels(data, get(tree, name, "train").class_names(), name);
  } else if (kind == "sample") {
    data = load_sample(name, split);
  } else {
    data = load_dataset(name, split, search_);
  }
  auto dataset = Dataset::from(name, data);
  sets_.push_back({{"name", name}, {"split", split}, {"count", dataset.size()}, {"sha256", dataset.sha256()}});
  return loaded_.emplace(key, std::move(dataset)).first->second;
}

Json DataLibrary::describe(std::string const& kind) const {
  bool const custom =
      std::any_of(loaded_.begin(), loaded_.end(), [](auto const& s) { return s.first.starts_with("own/"); });
  return {{"kind", custom ? "custom" : kind}, {"sets", sets_}};
}

}  // namespace mneme
