#include "inputs.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "fitting.hpp"
#include "mneme/core/errors.hpp"
#include "mneme/core/text.hpp"
#include "mneme/experiment/own_data.hpp"
#include "mneme/io/image_file.hpp"
#include "mneme/io/image_folder.hpp"
#include "mneme/io/tensor_data.hpp"
#include "mneme/stream/output_names.hpp"
#include "terminal.hpp"

namespace mneme::app {
namespace fs = std::filesystem;
namespace {

/// The labels of `data` in the run's numbering, by the names that the task has for it (empty: the run), by number where
/// there are none.
Dataset renumbered(Dataset const& data, StoredArm const& arm, std::string const& what, std::string const& task) {
  auto const names = output_names(arm, task);
  auto labels = at::full_like(data.labels(), -1);
  for (std::size_t i = 0; i < data.class_names().size(); ++i) {
    auto const& name = data.class_names()[i];
    auto found = output_named(names, task + ": " + name);  // where two tasks call a class alike
    if (!found) found = output_named(names, name);
    auto const number = found ? static_cast<double>(*found) : parse_number(name).value_or(-1);
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

/// How single pictures are read: as the run's own set `as`, or as its only folder of pictures, if it has one.
OwnDataOptions reading_of_pictures(std::string const& as, StoredArm const& arm) {
  std::vector<OwnDataOptions> folders;
  for (auto const& [name, options] : own_sets(arm))
    if (options.format == "folder") {
      if (name == as) return options;
      folders.push_back(options);
    }
  return folders.size() == 1 ? folders.front() : OwnDataOptions();
}

/// Of a picture as it lies what the set made of it, and then the stream.
Image brought(Image const& image, OwnDataOptions const& set, Fitting const& fitting) {
  return fitting.picture(set.height > 0 ? resize_image(image, set.height, set.width) : image);
}

/// The rows of a file from outside.
LabelledData read_outside(OutsideFile const& file, StoredArm const& arm, std::string const& part,
                          Fitting const& fitting) {
  auto options = reading_of(file, arm);
  if (options.format == "folder" || options.format == "omniglot") fitting.refuse_pictures(file.path);
  if (options.format == "folder")
    return read_image_folder(file.path,
                             {.channels = static_cast<int>(options.channels),
                              .bring = [&](Image const& image) { return brought(image, options, fitting); }});
  if (options.format == "omniglot") {
    options.channels = fitting.shape()[0];
    options.height = fitting.shape()[1];
    options.width = fitting.shape()[2];
  }
  if (options.format == "idx")
    throw ConfigError(file.path + ": idx files come in pairs; name the run's data set instead of its file");
  return read_own_file(options, {.path = file.path, .part = part, .unlabelled = !file.labelled});
}

/// What a stream did to its own samples is not done to others.
void tell_of_changed_samples(StoredArm const& arm) {
  auto const kind = arm.plan.tree.at("stream").at("kind").get<std::string>();
  if (kind == "permuted" || kind == "rotated")
    say("note: the run's stream is '" + kind +
        "', and samples from outside are taken as they are; the name of a task stands for its own test samples");
}

/// The task of that name that was learnt; null where there is none.
Task const* learnt_as(std::string const& name, StoredArm const& arm) {
  for (auto const* task : arm.loaded.stream.tasks())
    if (task->name == name) return task;
  return nullptr;
}

bool is_request(std::string const& name, StoredArm const& arm) {
  return std::any_of(arm.loaded.stream.events.begin(), arm.loaded.stream.events.end(),
                     [&](Event const& event) { return !is_learn(event) && event_name(event) == name; });
}

/// The column of that name in the matrix; null where it has none.
Task const* task_named(std::string const& name, StoredArm const& arm) {
  for (auto const* task : arm.loaded.stream.tested())
    if (task->name == name) return task;
  return nullptr;
}

}  // namespace

std::vector<std::string> output_names(StoredArm const& arm, std::string const& task) {
  if (auto const* named = task_named(task, arm)) return named->test.class_names();
  auto const tasks = arm.loaded.stream.tested();
  auto const& names = tasks.front()->test.class_names();
  bool const common =
      std::all_of(tasks.begin(), tasks.end(), [&](Task const* one) { return one->test.class_names() == names; });
  return common && static_cast<std::int64_t>(names.size()) == arm.loaded.stream.classes ? names
                                                                                        : std::vector<std::string>();
}

Dataset labelled_input(OutsideFile const& input, std::string const& split, StoredArm const& arm, DataLibrary& library) {
  auto const& what = input.path;
  Fitting const fitting(arm, library);
  if (!fs::exists(what) && (format_of(what).empty() || !input.as.empty())) {
    if (auto const* task = learnt_as(what, arm)) return split == "train" ? task->train : task->test;
    if (auto const* column = task_named(what, arm)) {
      if (split == "train" && is_request(what, arm))
        throw ConfigError("--data " + what + ": is a request, which has test samples alone; use --split test");
      return split == "train" ? column->train : column->test;
    }
    tell_of_changed_samples(arm);
    auto const data = library.get(arm.plan.tree, what, split);
    auto const classes = arm.loaded.stream.classes;
    auto const highest = data.size() > 0 ? data.labels().max().item<std::int64_t>() : 0;
    if (highest >= classes)
      throw DataError("data set '" + what + "' has labels up to " + std::to_string(highest) + ", but the run tells " +
                      std::to_string(classes) +
                      " classes apart (its stream keeps a part of them). Give a file with these classes");
    return data.with(fitting.samples(data.data(), what), data.labels());
  }
  if (!fs::exists(what)) throw DataError(what + ": there is no such file or folder");
  tell_of_changed_samples(arm);
  auto const part = what.ends_with(".safetensors") && split == "test" && !has_test_part(what) ? "train" : split;
  auto const data = Dataset::from(what, read_outside(input, arm, part, fitting));
  return renumbered(data.with(fitting.samples(data.data(), what), data.labels()), arm, what,
                    input.task.empty() ? input.as : input.task);
}

Unlabelled unlabelled_input(std::vector<std::string> const& files, std::string const& as, StoredArm const& arm,
                            DataLibrary& library) {
  Fitting const fitting(arm, library);
  auto const set = reading_of_pictures(as, arm);
  tell_of_changed_samples(arm);
  Unlabelled all;
  std::vector<at::Tensor> parts;
  for (auto const& file : files) {
    if (!fs::exists(file)) throw DataError(file + ": there is no such file or folder");
    if (is_picture(file)) {
      fitting.refuse_pictures(file);
      all.names.push_back(file);
      auto const image = brought(read_image(file, static_cast<int>(set.channels)), set, fitting);
      parts.push_back(Dataset::to_input(bytes_of(image)).unsqueeze(0));
      continue;
    }
    auto const part = file.ends_with(".safetensors") && has_test_part(file) ? "test" : "train";
    auto const data = Dataset::from(file, read_outside({file, as, false}, arm, part, fitting));
    parts.push_back(Dataset::to_input(fitting.samples(data.data(), file)));
    for (std::int64_t row = 1; row <= parts.back().size(0); ++row)
      all.names.push_back(file + ":" + std::to_string(row));
  }
  all.x = at::cat(parts);
  return all;
}

}  // namespace mneme::app
