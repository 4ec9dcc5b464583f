// Tables: comma-separated values with RFC 4180 quoting; numeric columns become features, one column the label.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "mneme/io/labelled.hpp"

namespace mneme {

/// Calls `use` with every record of a text and the line that it begins on, blank lines left out. DataError (`name` and
/// line) on a quote that never closes.
void each_csv_record(std::string_view text, std::string const& name, char delimiter,
                     std::function<void(std::vector<std::string> const& fields, std::int64_t line)> const& use);

/// All records of a text, blank lines left out. DataError (`name` and line) on a quote that never closes.
std::vector<std::vector<std::string>> csv_records(std::string_view text, std::string const& name, char delimiter = ',');

struct CsvOptions {
  std::string label = "label";  // name of the label column; without a header its number from 0, or "label" for the last
  char delimiter = ',';
  bool header = true;
  std::vector<std::string> features =
      {};                   // with a header: the feature columns in their order; empty: all but the label
  bool unlabelled = false;  // with a header that lacks the label column every column is a feature, all labels are 0
};

/// `name` is for messages. Blank lines are skipped. Classes are the distinct labels, in numeric order when all are
/// integers and in byte order otherwise. DataError (file and line) on a ragged row, a feature that is no finite number,
/// a quote that never closes, a missing label column, or no rows at all.
LabelledData parse_csv(std::string_view text, std::string const& name, CsvOptions const& options = {});

/// Names of the columns that `read_csv` takes for features; needs a header. Empty where a name is, or stands twice: the
/// columns are then told by their places alone. The file may be gzip.
std::vector<std::string> csv_features(std::filesystem::path const& path, CsvOptions const& options);

/// The file may be gzip. `sha256` is over the decompressed text.
LabelledData read_csv(std::filesystem::path const& path, CsvOptions const& options = {});

}  // namespace mneme
