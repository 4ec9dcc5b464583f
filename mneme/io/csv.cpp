#include "mneme/io/csv.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "mneme/core/errors.hpp"
#include "mneme/core/text.hpp"
#include "mneme/io/bytes.hpp"
#include "mneme/io/sha256.hpp"

namespace mneme {
namespace {

using Fields = std::vector<std::string>;

/// Cuts text into records. A quoted field may hold delimiters, line breaks and doubled quotes.
class CsvScanner {
 public:
  CsvScanner(std::string_view text, std::string const& name, char delimiter)
      : text_(text), name_(name), delimiter_(delimiter) {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (text_.starts_with(kByteOrderMark)) text_.remove_prefix(kByteOrderMark.size());
  }

  /// The next record that is not a blank line; false at the end. `line()` is then where it began.
  bool next(Fields& fields) {
    while (skip_line_end()) {
    }
    if (text_.empty()) return false;
    record_line_ = line_;
    fields.clear();
    do {
      fields.push_back(text_.starts_with('"') ? quoted_field() : plain_field());
    } while (skip_delimiter());
    if (!text_.empty() && !skip_line_end()) fail("text follows the closing quote of a field");
    return true;
  }

  [[nodiscard]] std::int64_t line() const { return record_line_; }

  [[noreturn]] void fail(std::string const& problem) const {
    throw DataError(name_ + ", line " + std::to_string(record_line_) + ": " + problem);
  }

 private:
  bool skip_line_end() {
    std::size_t const length = text_.starts_with("\r\n") ? 2 : text_.starts_with('\n') || text_.starts_with('\r');
    text_.remove_prefix(length);
    line_ += length > 0;
    return length > 0;
  }

  bool skip_delimiter() {
    if (!text_.starts_with(delimiter_)) return false;
    text_.remove_prefix(1);
    return true;
  }

  std::string plain_field() {
    std::size_t length = 0;
    while (length < text_.size() && text_[length] != delimiter_ && text_[length] != '\n' && text_[length] != '\r') {
      ++length;
    }
    std::string field(text_.substr(0, length));
    text_.remove_prefix(length);
    return field;
  }

  std::string quoted_field() {
    std::string field;
    for (;;) {
      std::size_t const quote = text_.find('"', 1);
      if (quote == std::string_view::npos) fail("a quoted field is never closed");
      field += text_.substr(1, quote - 1);
      line_ += std::count(text_.begin() + 1, text_.begin() + static_cast<std::ptrdiff_t>(quote), '\n');
      text_.remove_prefix(quote + 1);
      if (!text_.starts_with('"')) return field;
      field += '"';
    }
  }

  std::string_view text_;  // what is left
  std::string const& name_;
  char delimiter_;
  std::int64_t line_ = 1;
  std::int64_t record_line_ = 1;
};

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t";
  std::size_t const begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

template <class Number>
std::optional<Number> read_number(std::string_view text) {
  text = trim(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  Number value{};
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

/// Where the label stands among `columns`; what is allowed without a header is told in the options.
std::optional<std::size_t> label_column(CsvScanner const& scanner, Fields const& columns, CsvOptions const& options) {
  if (!options.header) {
    if (options.label == CsvOptions{}.label) return columns.size() - 1;
    auto const number = read_number<std::size_t>(options.label);
    if (number && *number < columns.size()) return *number;
    scanner.fail("there is no column number '" + options.label + "'; the file has no header and " +
                 std::to_string(columns.size()) + " columns, counted from 0");
  }
  auto const found = std::find(columns.begin(), columns.end(), options.label);
  if (found != columns.end()) return static_cast<std::size_t>(found - columns.begin());
  if (options.unlabelled) return std::nullopt;
  scanner.fail("there is no label column '" + options.label + "'; columns: " + join(columns));
}

/// The columns that are features, in the order in which they are.
std::vector<std::size_t> feature_columns(CsvScanner const& scanner, Fields const& columns,
                                         std::optional<std::size_t> label_at, CsvOptions const& options) {
  std::vector<std::size_t> at;
  for (auto const& name : options.features) {
    auto const found = std::find(columns.begin(), columns.end(), name);
    if (found == columns.end()) scanner.fail("there is no column '" + name + "'; columns: " + join(columns));
    at.push_back(static_cast<std::size_t>(found - columns.begin()));
  }
  for (std::size_t i = 0; options.features.empty() && i < columns.size(); ++i)
    if (i != label_at) at.push_back(i);
  return at;
}

}  // namespace

void each_csv_record(std::string_view text, std::string const& name, char delimiter,
                     std::function<void(Fields const& fields, std::int64_t line)> const& use) {
  CsvScanner scanner(text, name, delimiter);
  for (Fields fields; scanner.next(fields);) use(fields, scanner.line());
}

std::vector<Fields> csv_records(std::string_view text, std::string const& name, char delimiter) {
  std::vector<Fields> records;
  each_csv_record(text, name, delimiter, [&](Fields const& fields, std::int64_t) { records.push_back(fields); });
  return records;
}

LabelledData parse_csv(std::string_view text, std::string const& name, CsvOptions const& options) {
  CsvScanner scanner(text, name, options.delimiter);
  Fields columns;
  if (!scanner.next(columns)) throw DataError(name + ": is empty");
  auto const label_at = label_column(scanner, columns, options);
  auto const features_at = feature_columns(scanner, columns, label_at, options);
  if (features_at.empty()) scanner.fail("there is no feature column beside the label");

  LabelledData data;
  std::vector<std::string> row_labels;
  Fields fields = columns;
  for (bool more = !options.header || scanner.next(fields); more; more = scanner.next(fields)) {
    if (fields.size() != columns.size()) {
      scanner.fail(std::to_string(fields.size()) + " fields where the first line has " +
                   std::to_string(columns.size()));
    }
    for (auto const i : features_at) {
      auto const value = read_number<float>(fields[i]);
      if (!value || !std::isfinite(*value)) {
        scanner.fail("'" + fields[i] + "' in column " + (options.header ? "'" + columns[i] + "'" : std::to_string(i)) +
                     " is no finite number");
      }
      data.features.push_back(*value);
    }
    row_labels.emplace_back(label_at ? trim(fields[*label_at]) : "");
  }
  if (row_labels.empty()) throw DataError(name + ": has a header but no rows");

  number_labels(row_labels, data);
  data.shape = {static_cast<std::int64_t>(row_labels.size()), static_cast<std::int64_t>(features_at.size())};
  data.sha256 = sha256_hex(as_bytes(text));
  return data;
}

std::vector<std::string> csv_features(std::filesystem::path const& path, CsvOptions const& options) {
  auto const bytes = read_file_decompressed(path);
  auto const name = path.string();
  CsvScanner scanner(as_text(bytes), name, options.delimiter);
  Fields columns, names;
  if (!scanner.next(columns)) throw DataError(name + ": is empty");
  for (auto const at : feature_columns(scanner, columns, label_column(scanner, columns, options), options))
    names.push_back(columns[at]);
  bool const tell = std::set(names.begin(), names.end()).size() == names.size() &&
                    std::find(names.begin(), names.end(), "") == names.end();
  return tell ? names : Fields();
}

LabelledData read_csv(std::filesystem::path const& path, CsvOptions const& options) {
  auto const bytes = read_file_decompressed(path);
  return parse_csv(as_text(bytes), path.string(), options);
}

}  // namespace mneme
