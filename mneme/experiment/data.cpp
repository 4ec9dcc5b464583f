#include "mneme/experiment/data.hpp"

#include <torch/types.h>

#include <algorithm>

#include "mneme/core/errors.hpp"
#include "mneme/data/sample.hpp"
#include "mneme/io/csv.hpp"
#include "mneme/io/image_folder.hpp"
#include "mneme/io/labelled.hpp"
#include "mneme/io/texts.hpp"
#include "mneme/io/tokens.hpp"

namespace mneme {
namespace {

/// Texts in the form that the net takes.
LabelledData read_own_texts(OwnDataOptions const& o, std::string const& path) {
  TextColumns columns{.text = {"text"}, .label = o.label};
  if (!o.text.empty()) columns.text = o.text;
  auto const texts = read_texts(path, o.format, columns);
  return o.words == "ids" ? as_token_ids(texts, o.vocabulary, o.length) : as_bags_of_words(texts, o.vocabulary);
}

LabelledData read_own(OwnDataOptions const& o, std::string const& name, std::string const& split) {
  bool const from_train = split == "train" || o.test_every > 0;
  auto const& path = from_train ? o.train : o.test;
  if (path.empty()) throw ConfigError("datasets." + name + "." + split + ": missing; name a file or folder");
  if (o.test_every == 1) throw ConfigError("datasets." + name + ".test_every: 1 leaves nothing to train on");
  if (o.test_every > 0 && !o.test.empty())
    throw ConfigError("datasets." + name + ": `test` and `test_every` exclude each other; keep one of them");
  if (o.format == "folder")
    return read_image_folder(path, {.channels = static_cast<int>(o.channels), .height = o.height, .width = o.width});
  if (o.format == "tsv" || o.format == "json" || o.format == "lines" || (o.format == "csv" && !o.text.empty()))
    return read_own_texts(o, path);
  if (o.format == "csv") return read_csv(path, {.label = o.label, .delimiter = ',', .header = true});
  auto const& labels = from_train ? o.train_labels : o.test_labels;
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
          {.help = "folder: <dir>/<class>/*.png; csv: a table; idx: images and labels as MNIST has them; texts: tsv, "
                   "json (one object a line, or a list of them), lines (each a label, a blank and the text), or csv "
                   "with `text`",
           .choices = {"folder", "csv", "idx", "tsv", "json", "lines"}});
  v.field("train", train, {.help = "training data: folder or file"});
  v.field("test", test, {.help = "test data: folder or file"});
  v.field("train_labels", train_labels, {.help = "idx: file of the training labels"});
  v.field("test_labels", test_labels, {.help = "idx: file of the test labels"});
  v.field(
      "test_every", test_every,
      {.help = "without test data: every so many rows of the training data, from the first, are the test set; 0: there "
               "is test data",
       .min = 0,
       .max = 1e9});
  v.field("label", label,
          {.help = "csv, tsv, json: name of the label column or key; of texts also its number, from 0, where there is "
                   "no header"});
  v.field(
      "text", text,
      {.help = "csv, tsv, json: columns or keys of the text, joined by a blank, named as `label` is; empty: \"text\", "
               "and for csv none, a table of numbers"});
  v.field("words", words,
          {.help = "texts as the ids of their words in order, for nets that read these, or as a bag: how often each "
                   "word occurs, of length 1, for any net",
           .choices = {"ids", "bag"}});
  v.field(
      "vocabulary", vocabulary,
      {.help = "numbers that words are hashed to; 0 is no word", .min = 2, .max = 1e8, .source = "arXiv:0902.2206"});
  v.field("length", length,
          {.help = "ids: words of each text, cut or filled with 0", .unit = "words", .min = 1, .max = 1e6});
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
  std::int64_t test_every = 0;
  if (own) {
    auto const options = read_options<OwnDataOptions>(tree["datasets"][name], "datasets." + name);
    data = read_own(options, name, split);
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
