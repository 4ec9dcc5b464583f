// TOML in and out, as JSON values. Tables become objects with their keys in the order of the text. Dates are refused:
// no setting is one.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "mneme/core/json.hpp"

namespace mneme {

/// `name` is the file's name, for messages. Throws ConfigError "name:line:column: what is wrong". Texts of more than
/// 1 MiB and nesting deeper than any configuration needs are refused; UTF-8 is allowed in strings and comments.
Json parse_toml(std::string_view text, std::string const& name);

/// Throws ConfigError when the file cannot be read or is no TOML.
Json read_toml(std::filesystem::path const& path);

/// Deterministic and readable: the settings of a table first, then its tables, each in the order of `object`.
/// `parse_toml` gives back equal values, floating-point numbers bit for bit; only the order of keys may differ, where a
/// table stood before a setting. Throws ConfigError for null and for integers beyond 64 bits with sign, which TOML does
/// not have, and std::invalid_argument when `object` is no object.
std::string to_toml(Json const& object);

/// A key as it stands in TOML: bare where it can be, else in quotes.
std::string toml_key(std::string_view key);

}  // namespace mneme
