#include "inputs.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "mneme/core/errors.hpp"
#include "mneme/core/text.hpp"
#include "mneme/io/bytes.hpp"
#include "mneme/io/csv.hpp"
#include "mneme/io/image_file.hpp"
#include "mneme/io/image_folder.hpp"

namespace mneme::app {
namespace fs = std::filesystem;
namespace {

std::vector<std::int64_t> input_shape(StoredArm const& arm) {
  return arm.loaded.stream.tested().front()->test.sample_shape();
}

std::string shape_text(std::vector<std::int64_t> const& shape) {
  std::vector<std::string> parts;
  for (auto const extent : shape) parts.push_back(std::to_string(extent));
  return join(parts, "x");
}

/// [N, ...] in the learner's shape, where the numbers are as many.
at::Tensor fitted(at::Tensor const& x, StoredArm const& arm, std::string const& what) {
  auto const wanted = input_shape(arm);
  if (x.size(0) > 0 && x[0].numel() != c10::multiply_integers(wanted))
    throw DataError(what + ": samples of " + shape_text(x.sizes().slice(1).vec()) + ", the run's learner takes " +
                    shape_text(wanted));
  auto shape = wanted;
  shape.insert(shape.begin(), x.size(0));
  return x.reshape(shape);
}

/// The labels of `data` in the run's numbering, by name; by number where the run's classes have no common names.
Dataset renumbered(Dataset const& data, StoredArm const& arm, std::string const& what) {
  auto const names = output_names(arm);
  auto labels = at::empty_like(data.labels());
  for (std::size_t i = 0; i < data.class_names().size(); ++i) {
    auto const& name = data.class_names()[i];
    auto const found = std::find(names.begin(), names.end(), name);
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

at::Tensor picture(std::string const& file, std::vector<std::int64_t> const& shape) {
  if (shape.size() != 3) throw DataError(file + ": the run's learner takes rows of numbers, not pictures; give a .csv");
  auto const image = resize_image(read_image(file, static_cast<int>(shape[0])), shape[1], shape[2]);
  auto tensor = at::empty(shape, at::kByte);
  std::memcpy(tensor.mutable_data_ptr(), image.pixels.data(), image.pixels.size());
  return Dataset::to_input(tensor);
}

/// The label column's name in the run's own tables.
CsvOptions csv_options(StoredArm const& arm) {
  CsvOptions options;
  auto const sets = arm.plan.tree.value("datasets", Json::object());
  for (auto const& [name, set] : sets.items())
    if (set.at("format") == "csv") options.label = set.at("label").get<std::string>();
  return options;
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

Dataset labelled_input(std::string const& what, std::string const& split, StoredArm const& arm, DataLibrary& library) {
  auto const shape = input_shape(arm);
  if (fs::is_directory(what)) {
    if (shape.size() != 3)
      throw DataError(what + ": the run's learner takes rows of numbers, not pictures; give a .csv");
    ImageFolderOptions const options{static_cast<int>(shape[0]), shape[1], shape[2]};
    return renumbered(Dataset::from(what, read_image_folder(what, options)), arm, what);
  }
  if (what.ends_with(".csv") || what.ends_with(".csv.gz")) {
    auto const data = renumbered(Dataset::from(what, read_csv(what, csv_options(arm))), arm, what);
    return data.with(fitted(data.data(), arm, what), data.labels());
  }
  auto const data = library.get(arm.plan.tree, what, split);
  return data.with(fitted(data.data(), arm, what), data.labels());
}

Unlabelled unlabelled_input(std::vector<std::string> const& files, StoredArm const& arm) {
  auto const shape = input_shape(arm);
  Unlabelled all;
  std::vector<at::Tensor> parts;
  for (auto const& file : files) {
    if (!file.ends_with(".csv") && !file.ends_with(".csv.gz")) {
      all.names.push_back(file);
      parts.push_back(picture(file, shape).unsqueeze(0));
      continue;
    }
    auto options = csv_options(arm);
    options.unlabelled = true;
    parts.push_back(fitted(Dataset::from(file, read_csv(file, options)).data(), arm, file));
    for (std::int64_t row = 1; row <= parts.back().size(0); ++row)
      all.names.push_back(file + ":" + std::to_string(row));
  }
  all.x = at::cat(parts);
  return all;
}

}  // namespace mneme::app
