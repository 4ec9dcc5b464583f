#include "mneme/io/texts.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "mneme/core/errors.hpp"
#include "mneme/core/json.hpp"
#include "mneme/core/text.hpp"
#include "mneme/io/bytes.hpp"
#include "mneme/io/csv.hpp"
#include "mneme/io/json_rows.hpp"
#include "mneme/io/sha256.hpp"

namespace mneme {
namespace {

using Fields = std::vector<std::string>;

[[noreturn]] void fail(std::string const& name, std::string const& where, std::string const& problem) {
  throw DataError(name + ", " + where + ": " + problem);
}

std::string line_text(std::int64_t line) { return "line " + std::to_string(line); }

bool is_number(std::string const& text) {
  constexpr std::size_t kMostDigits = 6;
  return !text.empty() && text.size() <= kMostDigits &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// Rows of a table, the first of which may name the columns.
class TableRows {
 public:
  TableRows(std::string const& name, TextColumns const& columns) : name_(name), columns_(columns) {
    numbered_ = is_number(columns.label) && std::all_of(columns.text.begin(), columns.text.end(), is_number);
    if (!numbered_) return;
    label_ = std::stoul(columns.label);
    for (auto const& column : columns.text) texts_.push_back(std::stoul(column));
  }

  void add(Fields const& fields, std::int64_t line) {
    if (!numbered_ && !header_) {
      header_ = fields;
      if (!columns_.unlabelled || has(columns_.label)) label_ = position(columns_.label, line);
      for (auto const& column : columns_.text) texts_.push_back(position(column, line));
      return;
    }
    std::string text;
    for (auto const at : texts_) text += (text.empty() ? "" : " ") + field(fields, at, line);
    bool const bare = !label_ || (columns_.unlabelled && *label_ >= fields.size());
    rows_.labels.push_back(bare ? "" : field(fields, *label_, line));
    rows_.texts.push_back(std::move(text));
  }

  LabelledTexts take() { return std::move(rows_); }

 private:
  [[nodiscard]] bool has(std::string const& column) const {
    return std::find(header_->begin(), header_->end(), column) != header_->end();
  }

  std::size_t position(std::string const& column, std::int64_t line) const {
    auto const found = std::find(header_->begin(), header_->end(), column);
    if (found == header_->end())
      fail(name_, line_text(line),
           "there is no column '" + column + "'; columns: " + join(*header_) +
               ". Where the first line is no header, give columns by number, from 0");
    return static_cast<std::size_t>(found - header_->begin());
  }

  std::string const& field(Fields const& fields, std::size_t at, std::int64_t line) const {
    if (at >= fields.size())
      fail(name_, line_text(line),
           "there is no column " + std::to_string(at) + ", counted from 0, among " + std::to_string(fields.size()));
    return fields[at];
  }

  std::string const& name_;
  TextColumns const& columns_;
  bool numbered_;
  std::optional<Fields> header_;
  std::optional<std::size_t> label_;
  std::vector<std::size_t> texts_;
  LabelledTexts rows_;
};

LabelledTexts checked(LabelledTexts rows, std::string_view text, std::string const& name) {
  if (rows.labels.empty()) throw DataError(name + ": has no rows");
  rows.sha256 = sha256_hex(as_bytes(text));
  return rows;
}

}  // namespace

LabelledTexts parse_text_csv(std::string_view text, std::string const& name, TextColumns const& columns) {
  TableRows rows(name, columns);
  each_csv_record(text, name, ',', [&](Fields const& fields, std::int64_t line) { rows.add(fields, line); });
  return checked(rows.take(), text, name);
}

LabelledTexts parse_tsv(std::string_view text, std::string const& name, TextColumns const& columns) {
  TableRows rows(name, columns);
  each_line(text, [&](std::string_view line, std::int64_t number) {
    Fields fields;
    for (std::size_t tab = 0; tab != std::string_view::npos;) {
      tab = line.find('\t');
      fields.emplace_back(line.substr(0, tab));
      if (tab != std::string_view::npos) line.remove_prefix(tab + 1);
    }
    rows.add(fields, number);
  });
  return checked(rows.take(), text, name);
}

LabelledTexts parse_json_texts(std::string_view text, std::string const& name, TextColumns const& columns) {
  LabelledTexts rows;
  each_json_object(text, name, [&](Json const& object, std::string const& where) {
    std::string words;
    for (auto const& key : columns.text)
      words += (words.empty() ? "" : " ") + json_word(object, key, false, name, where);
    bool const bare = columns.unlabelled && !object.contains(columns.label);
    rows.labels.push_back(bare ? "" : json_word(object, columns.label, true, name, where));
    rows.texts.push_back(std::move(words));
  });
  return checked(std::move(rows), text, name);
}

LabelledTexts parse_label_lines(std::string_view text, std::string const& name) {
  LabelledTexts rows;
  each_line(text, [&](std::string_view line, std::int64_t number) {
    auto const blank = line.find_first_of(" \t");
    if (blank == std::string_view::npos || blank == 0)
      fail(name, line_text(number), "a line must be a label, a blank and a text");
    rows.labels.emplace_back(line.substr(0, blank));
    rows.texts.emplace_back(line.substr(blank + 1));
  });
  return checked(std::move(rows), text, name);
}

LabelledTexts parse_plain_lines(std::string_view text, std::string const& name) {
  LabelledTexts rows;
  each_line(text, [&](std::string_view line, std::int64_t) {
    rows.labels.emplace_back();
    rows.texts.emplace_back(line);
  });
  return checked(std::move(rows), text, name);
}

LabelledTexts read_texts(std::filesystem::path const& path, std::string const& format, TextColumns const& columns) {
  auto const bytes = read_file_decompressed(path);
  auto const text = as_text(bytes);
  if (format == "csv") return parse_text_csv(text, path.string(), columns);
  if (format == "tsv") return parse_tsv(text, path.string(), columns);
  if (format == "json") return parse_json_texts(text, path.string(), columns);
  if (format == "lines") return parse_label_lines(text, path.string());
  if (format == "plain") return parse_plain_lines(text, path.string());
  throw ConfigError("unknown format '" + format + "' of texts: csv, tsv, json, lines or plain");
}

}  // namespace mneme
