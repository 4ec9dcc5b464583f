#include "mneme/core/toml.hpp"

// The parser asserts on inputs that it then reports properly; a typo in a configuration must not end a debug build.
#ifndef NDEBUG
#define NDEBUG
#endif
#include <toml++/toml.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <sstream>
#include <utility>
#include <vector>

#include "mneme/core/errors.hpp"
#include "mneme/core/toml_guard.hpp"

namespace mneme {
namespace {

class Converter {
 public:
  Converter(GuardedToml const& source, std::string const& name) : source_(source), name_(name) {}

  [[noreturn]] void fail(toml::source_position const& at, std::string_view problem) const {
    throw ConfigError(name_ + ":" + std::to_string(at.line) + ":" +
                      std::to_string(source_.original_column(at.line, at.column)) + ": " + std::string(problem));
  }

  // Its depth is bounded by guard_toml.
  Json to_json(toml::node const& node) const {
    if (auto const* const table = node.as_table()) {
      // The parser sorts by name; what a person wrote has an order.
      std::vector<std::pair<std::string, toml::node const*>> entries;
      for (auto const& [key, value] : *table) entries.emplace_back(key.str(), &value);
      std::sort(entries.begin(), entries.end(),
                [](auto const& a, auto const& b) { return a.second->source().begin < b.second->source().begin; });
      Json json = Json::object();
      for (auto const& [key, value] : entries) json[key] = to_json(*value);
      return json;
    }
    if (auto const* const array = node.as_array()) {
      Json json = Json::array();
      for (auto const& value : *array) json.push_back(to_json(value));
      return json;
    }
    if (auto const* const value = node.as_string()) return value->get();
    if (auto const* const value = node.as_integer()) return value->get();
    if (auto const* const value = node.as_floating_point()) return value->get();
    if (auto const* const value = node.as_boolean()) return value->get();
    fail(node.source().begin, "dates and times are no settings here; write a string in quotes");
  }

 private:
  GuardedToml const& source_;
  std::string const& name_;
};

}  // namespace

Json parse_toml(std::string_view text, std::string const& name) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  GuardedToml const source = guard_toml(text, name);
  Converter const converter(source, name);
  try {
    return converter.to_json(toml::parse(source.text));
  } catch (toml::parse_error const& error) {
    converter.fail(error.source().begin, error.description());
  }
}

Json read_toml(std::filesystem::path const& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path))
    throw ConfigError("cannot read the configuration " + path.string() + ": " +
                      (std::filesystem::exists(path) ? "not a readable file" : "no such file"));
  std::string text(kLongestToml + 1, '\0');  // one more than allowed, so that a longer file is noticed
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return parse_toml(text, path.string());
}

}  // namespace mneme
