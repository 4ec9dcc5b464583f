#include "mneme/core/config.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <set>

#include "mneme/core/errors.hpp"
#include "mneme/core/toml.hpp"

namespace mneme {
namespace {

struct Assignment {
  std::vector<std::string> path;
  Json value;
};

[[noreturn]] void refuse(std::string const& assignment, std::string const& problem) {
  throw ConfigError("-s " + assignment + ": " + problem);
}

// "a.\"b.c\".d" -> {a, b.c, d}; `rest` begins behind the '='.
std::vector<std::string> split_path(std::string const& assignment, std::string_view& rest) {
  std::vector<std::string> path(1);
  bool quoted = false;
  for (std::size_t i = 0; i < assignment.size(); ++i) {
    char const c = assignment[i];
    if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && c == '=') {
      if (std::find(path.begin(), path.end(), "") != path.end()) refuse(assignment, "a name in the path is empty");
      rest = std::string_view(assignment).substr(i + 1);
      return path;
    } else if (!quoted && c == '.') {
      path.emplace_back();
    } else if (quoted || c != ' ') {
      path.back() += c;
    }
  }
  refuse(assignment, "expected path.to.key=value");
}

Json parse_value(std::string const& assignment, std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  text = text.substr(0, text.find_last_not_of(' ') + 1);
  if (text.empty()) refuse(assignment, "the value is missing; an empty string is \"\"");
  if (text.find('\n') != std::string_view::npos) refuse(assignment, "a value stands on one line");
  try {
    return parse_toml("value = " + std::string(text), "value").at("value");
  } catch (ConfigError const& error) {
    bool const meant_as_toml = std::string_view("\"'[{").find(text.front()) != std::string_view::npos;
    if (meant_as_toml) refuse(assignment, error.what());
    return std::string(text);
  }
}

Assignment parse_assignment(std::string const& assignment) {
  std::string_view value;
  Assignment parsed{.path = split_path(assignment, value), .value = {}};
  parsed.value = parse_value(assignment, value);
  return parsed;
}

std::optional<std::size_t> parse_index(std::string const& text) {
  std::size_t index = 0;
  auto const result = std::from_chars(text.data(), text.data() + text.size(), index);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return std::nullopt;
  return index;
}

void set(Json& tree, Assignment const& wanted, std::string const& assignment) {
  Json changed = tree;  // a refused assignment leaves nothing behind
  Json* node = &changed;
  for (auto const& name : wanted.path) {
    if (node->is_null()) *node = Json::object();
    if (node->is_object()) {
      node = &(*node)[name];
    } else if (node->is_array()) {
      auto const index = parse_index(name);
      if (!index || *index >= node->size())
        refuse(assignment, "'" + name + "' is no element of a list of " + std::to_string(node->size()) +
                               "; elements are counted from 0");
      node = &(*node)[*index];
    } else {
      refuse(assignment, "'" + name + "' would stand in a " + node->type_name() + ", which is no table");
    }
  }
  *node = wanted.value;
  tree = std::move(changed);
}

bool holds_tables(Json const& value) {
  return value.is_array() && std::any_of(value.begin(), value.end(), [](Json const& e) { return e.is_object(); });
}

void flatten_into(std::vector<std::pair<std::string, Json>>& leaves, Json const& value, std::string const& key) {
  auto const below = [&](std::string const& name) { return key.empty() ? name : key + "." + name; };
  if (value.is_object() && !value.empty()) {
    for (auto const& [name, child] : value.items()) flatten_into(leaves, child, below(toml_key(name)));
  } else if (holds_tables(value)) {
    for (std::size_t i = 0; i < value.size(); ++i) flatten_into(leaves, value[i], below(std::to_string(i)));
  } else if (!key.empty()) {
    leaves.emplace_back(key, value);
  }
}

}  // namespace

void merge(Json& base, Json const& over) {
  if (!base.is_object() || !over.is_object()) {
    base = over;
    return;
  }
  for (auto const& [key, value] : over.items()) merge(base[key], value);
}

void apply_override(Json& tree, std::string const& assignment) { set(tree, parse_assignment(assignment), assignment); }

std::vector<std::pair<std::string, Json>> flatten(Json const& tree) {
  std::vector<std::pair<std::string, Json>> leaves;
  flatten_into(leaves, tree, "");
  return leaves;
}

// A leaf has a new origin when `is_new(key)`, else its old one; leaves that were replaced are forgotten.
template <class IsNew>
void ConfigLayers::update_origins(std::string const& name, IsNew const& is_new) {
  std::map<std::string, std::string> origins;
  for (auto const& [key, value] : flatten(tree_)) origins[key] = is_new(key) ? name : origin(key);
  origins_ = std::move(origins);
}

void ConfigLayers::add(std::string const& name, Json const& layer) {
  merge(tree_, layer);
  std::set<std::string> keys;
  for (auto const& [key, value] : flatten(layer)) keys.insert(key);
  update_origins(name, [&](std::string const& key) { return keys.contains(key); });
}

void ConfigLayers::assign(std::string const& name, std::string const& assignment) {
  Assignment const wanted = parse_assignment(assignment);
  set(tree_, wanted, assignment);
  std::string prefix;
  for (auto const& step : wanted.path) prefix += (prefix.empty() ? "" : ".") + toml_key(step);
  update_origins(name, [&](std::string const& key) { return key == prefix || key.starts_with(prefix + "."); });
}

std::string ConfigLayers::origin(std::string const& key) const {
  auto const at = origins_.find(key);
  return at == origins_.end() ? "" : at->second;
}

}  // namespace mneme
