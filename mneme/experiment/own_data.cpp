#include "mneme/experiment/own_data.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>
#include <utility>

#include "mneme/core/errors.hpp"
#include "mneme/io/bytes.hpp"
#include "mneme/io/cifar.hpp"
#include "mneme/io/csv.hpp"
#include "mneme/io/image_folder.hpp"
#include "mneme/io/json_rows.hpp"
#include "mneme/io/omniglot.hpp"
#include "mneme/io/svhn.hpp"
#include "mneme/io/tensor_data.hpp"
#include "mneme/io/texts.hpp"
#include "mneme/io/tokens.hpp"

namespace mneme {
namespace {

namespace fs = std::filesystem;

bool one_of(std::string const& format, std::initializer_list<std::string_view> formats) {
  return std::find(formats.begin(), formats.end(), format) != formats.end();
}

/// Texts in the form that the net takes.
LabelledData read_own_texts(OwnDataOptions const& o, OwnFile const& file) {
  TextColumns columns{.text = {"text"}, .label = o.label, .unlabelled = file.unlabelled};
  if (!o.text.empty()) columns.text = o.text;
  auto const texts = read_texts(file.path, o.format, columns);
  return o.words == "ids" ? as_token_ids(texts, o.vocabulary, o.length) : as_bags_of_words(texts, o.vocabulary);
}

/// Rows of numbers from a table or from JSON.
LabelledData read_numbers(OwnDataOptions const& o, OwnFile const& file) {
  if (o.format == "json") {
    auto const bytes = read_file_decompressed(file.path);
    return parse_json_table(as_text(bytes), file.path,
                            {.numbers = o.numbers, .label = o.label, .unlabelled = file.unlabelled});
  }
  bool const all = o.numbers.size() == 1 && o.numbers.front() == "*";
  CsvOptions options{.label = o.label,
                     .delimiter = o.format == "tsv" ? '\t' : ',',
                     .header = true,
                     .features = all ? std::vector<std::string>() : o.numbers};
  std::error_code missing;  // is told by who reads the file
  if (options.features.empty() && fs::exists(o.train) &&
      !fs::equivalent(o.train, file.path, missing))  // columns go by name there too
    options.features = csv_features(o.train, options);
  options.unlabelled = file.unlabelled;
  return read_csv(file.path, options);
}

/// Where the path of the training data holds the test data too.
bool holds_both(OwnDataOptions const& o, std::string const& path) {
  if (o.format == "safetensors") return true;
  return one_of(o.format, {"cifar10", "cifar100"}) && fs::is_directory(path);
}

CifarLabels cifar_labels(OwnDataOptions const& o) {
  if (o.format == "cifar10") return CifarLabels::kTen;
  return o.classes == "fine" ? CifarLabels::kFine : CifarLabels::kCoarse;
}

OmniglotOptions omniglot_options(OwnDataOptions const& o, std::string const& path) {
  if (o.height != o.width)
    throw ConfigError(path + ": the pictures of Omniglot are square; give `height` and `width` the same value");
  return {.alphabets = o.classes == "coarse", .size = o.height};
}

}  // namespace

bool OwnDataOptions::of_texts() const {
  return one_of(format, {"lines", "plain"}) || (one_of(format, {"tsv", "json"}) && numbers.empty()) ||
         (format == "csv" && !text.empty());
}

LabelledData read_own_file(OwnDataOptions const& o, OwnFile const& file) {
  if (o.of_texts()) return read_own_texts(o, file);
  if (one_of(o.format, {"csv", "tsv", "json"})) return read_numbers(o, file);
  if (one_of(o.format, {"cifar10", "cifar100"})) return read_cifar(file.path, file.part, cifar_labels(o));
  if (o.format == "svhn") return read_svhn(file.path);
  if (o.format == "omniglot") return read_omniglot({fs::path(file.path)}, omniglot_options(o, file.path));
  if (o.format == "safetensors") {
    auto const task = o.task < 0 ? std::nullopt : std::optional(o.task);
    return read_tensor_data(file.path, file.part == "test" ? "test" : "train", task);
  }
  if (o.format == "idx")
    return read_idx_pair(file.path, file.labels, {.label_offset = o.first_label, .transposed = o.transposed});
  return read_image_folder(file.path, {.channels = static_cast<int>(o.channels), .height = o.height, .width = o.width});
}

LabelledData read_own_data(OwnDataOptions const& o, std::string const& name, std::string const& split) {
  std::string const where = "datasets." + name;
  if (o.test_every == 1) throw ConfigError(where + ".test_every: 1 leaves nothing to train on");
  if (o.test_every > 0 && !o.test.empty())
    throw ConfigError(where + ": `test` and `test_every` exclude each other; keep one of them");
  if (!o.text.empty() && !o.numbers.empty())
    throw ConfigError(where + ": `text` and `numbers` exclude each other; keep one of them");
  bool const from_train = split == "train" || o.test_every > 0;
  OwnFile file{.path = from_train ? o.train : o.test, .labels = from_train ? o.train_labels : o.test_labels};
  if (!from_train && file.path.empty() && holds_both(o, o.train)) file.path = o.train;
  if (file.path.empty()) throw ConfigError(where + "." + split + ": missing; name a file or folder");
  if (o.format == "idx" && file.labels.empty())
    throw ConfigError(where + "." + split + "_labels: missing; idx images need a file of labels");
  if (holds_both(o, file.path) && (o.format != "safetensors" || file.path == o.train))
    file.part = from_train ? "train" : "test";
  return read_own_file(o, file);
}

std::string format_of(std::string const& path) {
  if (fs::is_directory(path)) return "folder";
  std::string_view name = path;
  if (name.ends_with(".gz")) name.remove_suffix(3);
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kEndings{
      {{".csv", "csv"},
       {".tsv", "tsv"},
       {".json", "json"},
       {".jsonl", "json"},
       {".txt", "plain"},
       {".mat", "svhn"},
       {".zip", "omniglot"},
       {".safetensors", "safetensors"}}};
  for (auto const& [ending, format] : kEndings)
    if (name.ends_with(ending)) return std::string(format);
  if (!name.ends_with(".bin")) return {};
  constexpr std::size_t kRecordOfTen = 3073;
  return read_file_decompressed(path).size() % kRecordOfTen == 0 ? "cifar10" : "cifar100";
}

void OwnDataOptions::describe(OptionVisitor& v) {
  v.field(
      "format", format,
      {.help = "pictures: folder (<dir>/<class>/*.png), idx (images and labels as MNIST has them), cifar10 and "
               "cifar100 (binary records: a file, or a folder of *.bin), svhn (.mat with X and y), omniglot (.zip). "
               "Numbers: csv, and tsv and json with `numbers`. Texts: tsv, json (one object a line, or a list of "
               "them), lines (each a label, a blank and the text), and csv with `text`. Anything: safetensors",
       .choices = {"folder", "csv", "idx", "tsv", "json", "lines", "cifar10", "cifar100", "svhn", "omniglot",
                   "safetensors"}});
  v.field("train", train, {.help = "training data: folder or file"});
  v.field("test", test,
          {.help = "test data: folder or file; may be left out where `train` holds it too: a folder of CIFAR records, "
                   "safetensors"});
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
  v.field(
      "numbers", numbers,
      {.help = "csv, tsv, json: columns or keys that hold numbers, the net's input in this order; a key of json may "
               "hold a list of them. csv, tsv: \"*\" for all columns but the label's, which csv also takes when "
               "empty"});
  v.field("words", words,
          {.help = "texts as the ids of their words in order, for nets that read these, or as a bag: how often each "
                   "word occurs, of length 1, for any net",
           .choices = {"ids", "bag"}});
  v.field(
      "vocabulary", vocabulary,
      {.help = "numbers that words are hashed to; 0 is no word", .min = 2, .max = 1e8, .source = "arXiv:0902.2206"});
  v.field("length", length,
          {.help = "ids: words of each text, cut or filled with 0", .unit = "words", .min = 1, .max = 1e6});
  v.field(
      "classes", classes,
      {.help = "cifar100: the 100 fine or the 20 coarse labels; omniglot: fine for characters, coarse for alphabets",
       .choices = {"fine", "coarse"}});
  v.field("transposed", transposed, {.help = "idx: rows and columns of the images are swapped, as EMNIST has them"});
  v.field("first_label", first_label,
          {.help = "idx: the label that stands for the first class; 1 for EMNIST Letters", .min = 0, .max = 65535});
  v.field("task", task,
          {.help = "safetensors: only the rows of this task, by the tensor `task`; -1: all", .min = -1, .max = 1e9});
  v.field("channels", channels, {.help = "folder: 1 gray, 3 colour, 0 as found", .min = 0, .max = 3});
  v.field("height", height,
          {.help = "folder, omniglot: resize to this height; 0: as found", .unit = "pixels", .min = 0});
  v.field("width", width, {.help = "folder, omniglot: resize to this width; 0: as found", .unit = "pixels", .min = 0});
}

}  // namespace mneme
