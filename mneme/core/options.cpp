#include "mneme/core/options.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

#include "mneme/core/errors.hpp"
#include "mneme/core/text.hpp"

namespace mneme {
namespace {

// Every place that depends on the type of a field is in this overload set: its name, and how one JSON value becomes it.

constexpr std::string_view type_name(bool) { return "boolean"; }
constexpr std::string_view type_name(std::int64_t) { return "integer"; }
constexpr std::string_view type_name(double) { return "number"; }
std::string_view type_name(std::string const&) { return "string"; }

std::optional<bool> convert(Json const& json, bool) {
  if (!json.is_boolean()) return std::nullopt;
  return json.get<bool>();
}

std::optional<std::int64_t> convert(Json const& json, std::int64_t) {
  if (json.is_number_unsigned() && json.get<std::uint64_t>() > std::uint64_t{std::numeric_limits<std::int64_t>::max()})
    return std::nullopt;
  if (json.is_number_integer()) return json.get<std::int64_t>();
  if (!json.is_number_float()) return std::nullopt;
  double const value = json.get<double>();
  constexpr double kExactIntegers = 9007199254740992.0;  // 2^53: beyond it a float does not say which integer is meant
  if (std::trunc(value) != value || std::abs(value) > kExactIntegers) return std::nullopt;
  return static_cast<std::int64_t>(value);
}

std::optional<double> convert(Json const& json, double) {
  if (!json.is_number() || !std::isfinite(json.get<double>())) return std::nullopt;
  return json.get<double>();
}

std::optional<std::string> convert(Json const& json, std::string const&) {
  if (!json.is_string()) return std::nullopt;
  return json.get<std::string>();
}

std::string found(Json const& json) {
  constexpr std::size_t kLongest = 60;
  if (json.is_number_float()) return format_number(json.get<double>());
  std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  return text.size() > kLongest ? text.substr(0, kLongest) + "..." : text;
}

std::string dotted(std::string const& where, std::string_view key) {
  return where.empty() ? std::string(key) : where + "." + std::string(key);
}

std::string help_of(OptionNote const& note) { return note.help.empty() ? "" : " (" + note.help + ")"; }

std::string expected(std::string_view type) {
  if (type == "number") return "a finite number";
  return (type == "integer" ? "an " : "a ") + std::string(type);
}

// Converts one value, or hands a sentence about the wrong type to `refuse`.
template <class T, class Refuse>
T convert_or(Json const& json, OptionNote const& note, Refuse const& refuse) {
  auto value = convert(json, T{});
  if (!value) refuse("expected " + expected(type_name(T{})) + ", found " + found(json) + help_of(note));
  return *std::move(value);
}

template <class T>
void list_scalar(OptionList& list, std::string_view key, T const& value, OptionNote&& note) {
  list.push_back({std::string(key), std::string(type_name(value)), Json(value), std::move(note)});
}

template <class T>
void list_vector(OptionList& list, std::string_view key, std::vector<T> const& value, OptionNote&& note) {
  list.push_back({std::string(key), std::string(type_name(T{})) + "s", Json(value), std::move(note)});
}

}  // namespace

// ---------------------------------------------------------------------------------------------------- OptionLister

void OptionLister::field(std::string_view key, bool& value, OptionNote note) {
  list_scalar(list, key, value, std::move(note));
}
void OptionLister::field(std::string_view key, std::int64_t& value, OptionNote note) {
  list_scalar(list, key, value, std::move(note));
}
void OptionLister::field(std::string_view key, double& value, OptionNote note) {
  list_scalar(list, key, value, std::move(note));
}
void OptionLister::field(std::string_view key, std::string& value, OptionNote note) {
  list_scalar(list, key, value, std::move(note));
}
void OptionLister::field(std::string_view key, std::vector<std::int64_t>& value, OptionNote note) {
  list_vector(list, key, value, std::move(note));
}
void OptionLister::field(std::string_view key, std::vector<double>& value, OptionNote note) {
  list_vector(list, key, value, std::move(note));
}
void OptionLister::field(std::string_view key, std::vector<std::string>& value, OptionNote note) {
  list_vector(list, key, value, std::move(note));
}

// ---------------------------------------------------------------------------------------------------- OptionReader

OptionReader::OptionReader(Json const& table, std::string where, std::vector<std::string> ignored)
    : table_(table), where_(std::move(where)), ignored_(std::move(ignored)) {
  if (!table_.is_object() && !table_.is_null())
    throw ConfigError((where_.empty() ? "configuration" : where_) + ": expected a table of settings, found " +
                      found(table_));
}

Json const* OptionReader::claim(std::string_view key) {
  known_.emplace_back(key);
  if (!table_.is_object()) return nullptr;  // null: nothing was set
  auto const at = table_.find(known_.back());
  return at == table_.end() ? nullptr : &*at;
}

void OptionReader::refuse(std::string_view key, std::string const& problem) const {
  throw ConfigError(dotted(where_, key) + ": " + problem);
}

void OptionReader::check_range(std::string_view key, double value, OptionNote const& note) const {
  auto const outside = [&](std::string const& relation, double bound) {
    refuse(key, format_number(value) + " is " + relation + " " + format_number(bound) + help_of(note));
  };
  if (note.min && value < *note.min) outside("below the minimum", *note.min);
  if (note.above && value <= *note.above) outside("not above", *note.above);
  if (note.max && value > *note.max) outside("above the maximum", *note.max);
  if (note.below && value >= *note.below) outside("not below", *note.below);
}

void OptionReader::check_choice(std::string_view key, std::string const& value, OptionNote const& note) const {
  if (note.choices.empty() || std::find(note.choices.begin(), note.choices.end(), value) != note.choices.end()) return;
  refuse(key, "'" + value + "' is not a choice: " + suggestion(value, note.choices) + help_of(note));
}

template <class T>
void OptionReader::read_one(std::string_view key, Json const& json, T& value, OptionNote const& note) const {
  T const read = convert_or<T>(json, note, [&](std::string const& problem) { refuse(key, problem); });
  if constexpr (std::is_same_v<T, std::string>) {
    check_choice(key, read, note);
  } else if constexpr (!std::is_same_v<T, bool>) {
    check_range(key, static_cast<double>(read), note);
  }
  value = read;
}

template <class T>
void OptionReader::read_many(std::string_view key, std::vector<T>& values, OptionNote const& note) {
  Json const* const json = claim(key);
  if (json == nullptr) return;
  if (!json->is_array())
    refuse(key, "expected a list of " + std::string(type_name(T{})) + "s, found " + found(*json) + help_of(note));
  std::vector<T> read(json->size());
  for (std::size_t i = 0; i < read.size(); ++i)
    read_one(std::string(key) + "[" + std::to_string(i) + "]", (*json)[i], read[i], note);
  values = std::move(read);
}

void OptionReader::field(std::string_view key, bool& value, OptionNote note) {
  if (Json const* const json = claim(key)) read_one(key, *json, value, note);
}
void OptionReader::field(std::string_view key, std::int64_t& value, OptionNote note) {
  if (Json const* const json = claim(key)) read_one(key, *json, value, note);
}
void OptionReader::field(std::string_view key, double& value, OptionNote note) {
  if (Json const* const json = claim(key)) read_one(key, *json, value, note);
}
void OptionReader::field(std::string_view key, std::string& value, OptionNote note) {
  if (Json const* const json = claim(key)) read_one(key, *json, value, note);
}
void OptionReader::field(std::string_view key, std::vector<std::int64_t>& value, OptionNote note) {
  read_many(key, value, note);
}
void OptionReader::field(std::string_view key, std::vector<double>& value, OptionNote note) {
  read_many(key, value, note);
}
void OptionReader::field(std::string_view key, std::vector<std::string>& value, OptionNote note) {
  read_many(key, value, note);
}

void OptionReader::finish() const {
  auto const in = [](std::vector<std::string> const& names, std::string const& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  for (auto const& item : table_.items())
    if (!in(known_, item.key()) && !in(ignored_, item.key()))
      refuse(item.key(), "unknown setting: " + suggestion(item.key(), known_));
}

// ---------------------------------------------------------------------------------------------------- OptionWriter

void OptionWriter::field(std::string_view key, bool& value, OptionNote) { table[std::string(key)] = value; }
void OptionWriter::field(std::string_view key, std::int64_t& value, OptionNote) { table[std::string(key)] = value; }
void OptionWriter::field(std::string_view key, double& value, OptionNote) { table[std::string(key)] = value; }
void OptionWriter::field(std::string_view key, std::string& value, OptionNote) { table[std::string(key)] = value; }
void OptionWriter::field(std::string_view key, std::vector<std::int64_t>& value, OptionNote) {
  table[std::string(key)] = value;
}
void OptionWriter::field(std::string_view key, std::vector<double>& value, OptionNote) {
  table[std::string(key)] = value;
}
void OptionWriter::field(std::string_view key, std::vector<std::string>& value, OptionNote) {
  table[std::string(key)] = value;
}

Json complete_options(OptionList const& list, Json const& table, std::string const& where,
                      std::vector<std::string> ignored) {
  OptionReader reader(table, where, std::move(ignored));
  Json complete = table;
  for (auto const& option : list) {
    auto const read = [&](auto value) {
      reader.field(option.key, value, option.note);
      complete[option.key] = value;
    };
    auto const& start = option.default_value;
    if (option.type == "boolean") read(start.get<bool>());
    if (option.type == "integer") read(start.get<std::int64_t>());
    if (option.type == "number") read(start.get<double>());
    if (option.type == "string") read(start.get<std::string>());
    if (option.type == "integers") read(start.get<std::vector<std::int64_t>>());
    if (option.type == "numbers") read(start.get<std::vector<double>>());
    if (option.type == "strings") read(start.get<std::vector<std::string>>());
  }
  reader.finish();
  return complete;
}

// ------------------------------------------------------------------------------------------------------ suggestions

namespace {

// Optimal string alignment: insertions, deletions, replacements and swaps of neighbours each cost one.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t const replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

}  // namespace

std::string nearest_name(std::string_view name, std::vector<std::string> const& known) {
  constexpr std::size_t kLongest = 64;  // nobody mistypes a name this long; keeps the cost bounded for hostile keys
  if (name.size() > kLongest) return "";
  std::string nearest;
  // Near: at most one slip in three letters, and something of the name must be left.
  std::size_t least = std::min(std::max<std::size_t>(1, name.size() / 3) + 1, name.size());
  for (auto const& candidate : known) {
    std::size_t const distance = edit_distance(name, candidate);
    if (distance < least) {
      least = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

std::string suggestion(std::string_view name, std::vector<std::string> const& known) {
  if (known.empty()) return "none is known here";
  std::string const nearest = nearest_name(name, known);
  return (nearest.empty() ? "" : "did you mean '" + nearest + "'? ") + "known: " + join(known);
}

// ----------------------------------------------------------------------------------------------------------- schema

Json options_schema(OptionList const& list) {
  Json properties = Json::object();
  for (auto const& option : list) {
    bool const many = option.type.ends_with('s');
    Json value = {{"type", many ? option.type.substr(0, option.type.size() - 1) : option.type}};
    if (option.note.min) value["minimum"] = *option.note.min;
    if (option.note.above) value["exclusiveMinimum"] = *option.note.above;
    if (option.note.max) value["maximum"] = *option.note.max;
    if (option.note.below) value["exclusiveMaximum"] = *option.note.below;
    if (!option.note.choices.empty()) value["enum"] = option.note.choices;
    Json property = many ? Json{{"type", "array"}, {"items", std::move(value)}} : std::move(value);
    property["default"] = option.default_value;
    std::string const unit = option.note.unit.empty() ? "" : " [" + option.note.unit + "]";
    if (!(option.note.help + unit).empty()) property["description"] = option.note.help + unit;
    properties[option.key] = std::move(property);
  }
  return {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
          {"type", "object"},
          {"properties", std::move(properties)},
          {"additionalProperties", false}};
}

}  // namespace mneme
