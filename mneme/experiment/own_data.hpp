// A user's own data set: [datasets.<name>] in the configuration, and how its files become rows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mneme/core/options.hpp"
#include "mneme/io/labelled.hpp"

namespace mneme {

struct OwnDataOptions {
  std::string format = "folder";
  std::string train, test;
  std::string train_labels, test_labels;
  std::string label = "label";
  std::vector<std::string> text, numbers;
  std::string words = "ids";
  std::int64_t vocabulary = 4096, length = 64;
  std::int64_t test_every = 0;
  std::string classes = "fine";
  bool transposed = false;
  std::int64_t first_label = 0;
  std::int64_t task = -1;
  std::int64_t channels = 0, height = 0, width = 0;
  void describe(OptionVisitor& v);
  /// Rows are texts, not pictures or numbers.
  [[nodiscard]] bool of_texts() const;
};

/// The rows of "train" or "test"; with `test_every` all rows, of which the caller takes its part. `name` is the set's
/// in messages. ConfigError where the options leave a file open or exclude each other, DataError where a file is
/// damaged.
LabelledData read_own_data(OwnDataOptions const& options, std::string const& name, std::string const& split);

/// A file or folder read as the options say, whatever their paths are.
struct OwnFile {
  std::string path;
  std::string labels = {};   // idx: the file of labels
  std::string part = "all";  // "train" or "test" where the path holds both; "all": it is one part
  bool unlabelled = false;   // tables, JSON and texts may lack labels; they are 0 then
};
LabelledData read_own_file(OwnDataOptions const& options, OwnFile const& file);

/// The format that a file's ending says, .gz aside: csv, tsv, json (.json, .jsonl), plain (.txt), svhn (.mat),
/// omniglot (.zip), safetensors, cifar10 or cifar100 (.bin, by its size), folder for a folder; empty for others.
std::string format_of(std::string const& path);

}  // namespace mneme
