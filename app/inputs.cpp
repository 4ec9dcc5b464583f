#include "inputs.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <filesystem>

#include "mneme/core/errors.hpp"
#include "mneme/core/extents.hpp"
#include "mneme/core/text.hpp"
#include "mneme/experiment/own_data.hpp"
#include "mneme/io/image_file.hpp"
#include "mneme/io/tensor_data.hpp"

namespace mneme::app {
namespace fs = std::filesystem;
namespace {

std::vector<std::int64_t> input_shape(StoredArm const& arm) {
  return arm.loaded.stream.tested().front()->test.sample_shape();
}

/// [N, ...] in the learner's shape, where the numbers are as many.
at::Tensor fitted(at::Tensor const& x, StoredArm const& arm, std::string const& what) {
  auto const wanted = input_shape(arm);
  if (x.size(0) > 0 && x[0].numel() != c10::multiply_integers(wanted))
    throw DataError(what + ": samples of " + extents_text(x.sizes().slice(1)) + ", the run's learner takes " +
                    extents_text(wanted));
  bool const takes_words = arm.loaded.stream.tested().front()->test.data().scalar_type() == at::kLong;
  if (takes_words != (x.scalar_type() == at::kLong))
    throw DataError(what + ": holds " + (takes_words ? "no words" : "words") + ", the run's learner takes " +
                    (takes_words ? "the ids of words" : "numbers or pictures"));
  auto shape = wanted;
  shape.insert(shape.begin(), x.size(0));
  return x.reshape(shape);
}

/// The output of a class: of its name, or of the only "<task>: <name>" where tasks have outputs of their own.
std::vector<std::string>::const_iterator output_of(std::vector<std::string> const& names, std::string const& name) {
  auto const exact = std::find(names.begin(), names.end(), name);
  if (exact != names.end()) return exact;
  auto const of_task = [&](std::string const& output) { return output.ends_with(": " + name); };
  auto const only = std::find_if(names.begin(), names.end(), of_task);
  return std::count_if(names.begin(), names.end(), of_task) == 1 ? only : names.end();
}

/// The labels of `data` in the run's numbering, by name; by number where the run's classes have no common names.
Dataset renumbered(Dataset const& data, StoredArm const& arm, std::string const& what) {
  auto const names = output_names(arm);
  auto labels = at::empty_like(data.labels());
  for (std::size_t i = 0; i < data.class_names().size(); ++i) {
    auto const& name = data.class_names()[i];
    auto const found = output_of(names, name);
    auto const number =
        found != names.end() ? static_cast<double>(found - names.begin()) : parse_number(name).value_or(-1);
    if (number < 0 || number >= static_cast<double>(arm.loaded.stream.classes))
      throw DataError(what + ": the class '" + name + "' is none of the run's" +
                      (names.empty() ? ", which are numbered from 0 to " + std::to_string(arm.loaded.stream.classes - 1)
                                     : ": " + join(names)));
    labels.masked_fill_(data.labels() == static_cast<std::int64_t>(i), static_cast<std::int64_t>(number));
  }
  return data.with(data.data(), labels);
}

bool is_picture(std::string const& file) {
  auto ending = fs::path(file).extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return std::tolower(c); });
  return ending == ".png" || ending == ".jpg" || ending == ".jpeg" || ending == ".bmp";
}

at::Tensor picture(std::string const& file, std::vector<std::int64_t> const& shape) {
  if (shape.size() != 3)
    throw DataError(file + ": is a picture, the run's learner takes rows of " + extents_text(shape) +
                    " numbers or words");
  auto const image = resize_image(read_image(file, static_cast<int>(shape[0])), shape[1], shape[2]);
  auto tensor = at::empty(shape, at::kByte);
  std::memcpy(tensor.mutable_data_ptr(), image.pixels.data(), image.pixels.size());
  return Dataset::to_input(tensor);
}

/// The run's own data sets, by name.
std::vector<std::pair<std::string, OwnDataOptions>> own_sets(StoredArm const& arm) {
  std::vector<std::pair<std::string, OwnDataOptions>> sets;
  auto const tables = arm.plan.tree.value("datasets", Json::object());
  for (auto const& [name, table] : tables.items())
    sets.emplace_back(name, read_options<OwnDataOptions>(table, "datasets." + name));
  return sets;
}

/// How a file from outside is read: as the run's own set `as`; else as the first of them that has the format which the
/// file's ending says; else by that format, texts with the words of a set of texts. DataError where nothing fits.
OwnDataOptions reading_of(OutsideFile const& file, StoredArm const& arm) {
  auto const sets = own_sets(arm);
  std::vector<std::string> names;
  for (auto const& [name, options] : sets) {
    if (name == file.as) return options;
    names.push_back(name);
  }
  if (!file.as.empty())
    throw ConfigError("--as " + file.as + ": the run has no data set of its own of that name" +
                      (names.empty() ? "" : "; there are " + join(names)));
  auto format = format_of(file.path);
  if (format == "plain" && file.labelled) format = "lines";
  auto const texts = std::find_if(sets.begin(), sets.end(), [](auto const& set) { return set.second.of_texts(); });
  for (auto const& [name, options] : sets)
    if (options.format == format) return options;
  if (format.empty() && texts != sets.end()) return texts->second;
  bool const words = format == "csv" || format == "tsv" || format == "json" || format == "lines" || format == "plain";
  if (words && texts != sets.end()) {
    auto options = texts->second;
    options.format = format;
    if (format == "csv" && options.text.empty()) options.text = {"text"};
    return options;
  }
  if (format.empty() || format == "lines" || format == "plain")
    throw DataError(file.path +
                    ": its ending says no format that the run's learner takes: .csv, .tsv, .json, .bin "
                    "(CIFAR), .mat (SVHN), .zip (Omniglot), .safetensors, pictures or a folder of them; "
                    "texts where the run's data are texts");
  OwnDataOptions options;
  options.format = format;
  if (format == "tsv") options.numbers = {"*"};
  for (auto const& [name, set] : sets)
    if (set.format == "csv" || set.format == "tsv" || set.format == "json") options.label = set.label;
  return options;
}

/// The rows of a file from outside.
LabelledData read_outside(OutsideFile const& file, StoredArm const& arm, std::string const& part) {
  auto options = reading_of(file, arm);
  auto const shape = input_shape(arm);
  bool const pictures = options.format == "folder" || options.format == "omniglot";
  if (pictures && shape.size() != 3)
    throw DataError(file.path + ": holds pictures, the run's learner takes rows of " + extents_text(shape) +
                    " numbers or words");
  if (pictures) {
    options.channels = shape[0];
    options.height = shape[1];
    options.width = shape[2];
  }
  if (options.format == "idx")
    throw ConfigError(file.path + ": idx files come in pairs; name the run's data set instead of its file");
  return read_own_file(options, {.path = file.path, .part = part, .unlabelled = !file.labelled});
}

}  // namespace

std::vector<std::string> output_names(StoredArm const& arm) {
  auto const tasks = arm.loaded.stream.tested();
  auto const& names = tasks.front()->test.class_names();
  bool const common =
      std::all_of(tasks.begin(), tasks.end(), [&](Task const* task) { return task->test.class_names() == names; });
  return common && static_cast<std::int64_t>(names.size()) == arm.loaded.stream.classes ? names
                                                                                        : std::vector<std::string>();
}

Dataset labelled_input(OutsideFile const& input, std::string const& split, StoredArm const& arm, DataLibrary& library) {
  auto const& what = input.path;
  if (!fs::exists(what) && (format_of(what).empty() || !input.as.empty())) {
    auto const data = library.get(arm.plan.tree, what, split);
    auto const classes = arm.loaded.stream.classes;
    auto const highest = data.size() > 0 ? data.labels().max().item<std::int64_t>() : 0;
    if (highest >= classes)
      throw DataError("data set '" + what + "' has labels up to " + std::to_string(highest) + ", but the run tells " +
                      std::to_string(classes) +
                      " classes apart (its stream keeps a part of them). Give a file with these classes");
    return data.with(fitted(data.data(), arm, what), data.labels());
  }
  auto const part = what.ends_with(".safetensors") && split == "test" && !has_test_part(what) ? "train" : split;
  auto const data = Dataset::from(what, read_outside(input, arm, part));
  if (data.size() > 0 && data.labels().min().item<std::int64_t>() < 0)
    throw DataError(what + ": holds samples without a label (-1), against which nothing can be measured");
  return renumbered(data.with(fitted(data.data(), arm, what), data.labels()), arm, what);
}

Unlabelled unlabelled_input(std::vector<std::string> const& files, std::string const& as, StoredArm const& arm) {
  auto const shape = input_shape(arm);
  Unlabelled all;
  std::vector<at::Tensor> parts;
  for (auto const& file : files) {
    if (is_picture(file)) {
      all.names.push_back(file);
      parts.push_back(picture(file, shape).unsqueeze(0));
      continue;
    }
    auto const part = file.ends_with(".safetensors") && has_test_part(file) ? "test" : "train";
    auto const data = Dataset::from(file, read_outside({file, as, false}, arm, part));
    parts.push_back(Dataset::to_input(fitted(data.data(), arm, file)));
    for (std::int64_t row = 1; row <= parts.back().size(0); ++row)
      all.names.push_back(file + ":" + std::to_string(row));
  }
  all.x = at::cat(parts);
  return all;
}

}  // namespace mneme::app
