#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <stdexcept>

#include "mneme/core/errors.hpp"
#include "mneme/core/text.hpp"
#include "mneme/core/toml.hpp"

namespace mneme {
namespace {

bool is_bare(std::string_view key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (char const c : text) {
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if ((c >= 0 && c < ' ') || c == '\x7F') {
      std::array<char, 8> code{};
      std::snprintf(code.data(), code.size(), "\\u%04X", static_cast<unsigned>(c));
      out += code.data();
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string floating(double value) {
  std::string text = format_number(value);
  bool const looks_whole = text.find_first_not_of("-0123456789") == std::string::npos;
  return looks_whole ? text + ".0" : text;
}

// A value on one line. `path` is for messages.
std::string inline_value(Json const& value, std::string const& path) {
  std::string text;
  switch (value.type()) {
    case Json::value_t::string:
      return in_quotes(value.get_ref<std::string const&>());
    case Json::value_t::boolean:
      return value.get<bool>() ? "true" : "false";
    case Json::value_t::number_float:
      return floating(value.get<double>());
    case Json::value_t::number_integer:
      return std::to_string(value.get<std::int64_t>());
    case Json::value_t::number_unsigned:
      if (value.get<std::uint64_t>() > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) break;
      return std::to_string(value.get<std::uint64_t>());
    case Json::value_t::array:
      for (auto const& element : value) text += (text.empty() ? "" : ", ") + inline_value(element, path);
      return "[" + text + "]";
    case Json::value_t::object:
      for (auto const& [key, element] : value.items())
        text += (text.empty() ? " " : ", ") + toml_key(key) + " = " + inline_value(element, path + "." + key);
      return text.empty() ? "{}" : "{" + text + " }";
    default:
      break;
  }
  throw ConfigError(path + ": " + value.dump() + " has no form in TOML");
}

bool is_array_of_tables(Json const& value) {
  return value.is_array() && !value.empty() &&
         std::all_of(value.begin(), value.end(), [](Json const& element) { return element.is_object(); });
}

bool has_own_header(Json const& value) { return value.is_object() || is_array_of_tables(value); }

// Its header would stand alone: the headers of the tables within say enough.
bool holds_only_tables(Json const& table) {
  return !table.empty() && std::all_of(table.begin(), table.end(), has_own_header);
}

void write_table(std::string& out, Json const& table, std::string const& path) {
  for (auto const& [key, value] : table.items())
    if (!has_own_header(value)) out += toml_key(key) + " = " + inline_value(value, path + key) + "\n";
  for (auto const& [key, value] : table.items()) {
    if (!has_own_header(value)) continue;
    std::string const name = path + toml_key(key);
    auto const section = [&](Json const& content, std::string const& header) {
      if (!header.empty()) out += (out.empty() ? "" : "\n") + header + "\n";
      write_table(out, content, name + ".");
    };
    if (value.is_object()) section(value, holds_only_tables(value) ? "" : "[" + name + "]");
    if (value.is_array())
      for (auto const& element : value) section(element, "[[" + name + "]]");
  }
}

}  // namespace

std::string toml_key(std::string_view key) { return is_bare(key) ? std::string(key) : in_quotes(key); }

std::string to_toml(Json const& object) {
  if (!object.is_object())
    throw std::invalid_argument("to_toml: a TOML text is a table, found a " + std::string(object.type_name()));
  std::string out;
  write_table(out, object, "");
  return out;
}

}  // namespace mneme
