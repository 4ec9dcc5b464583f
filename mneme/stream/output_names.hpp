// Names of outputs. Where tasks have outputs of their own they are called "<task>: <class>" (assign_outputs).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mneme {

/// The output of that name; else the only "<task>: <name>".
[[nodiscard]] std::optional<std::int64_t> output_named(std::vector<std::string> const& names, std::string const& name);

/// The same, or the output of that number, from 0: a whole name comes first. ConfigError, which begins with `flag`,
/// where the text is one output's number and the last part of another's name. Nothing where it is neither.
[[nodiscard]] std::optional<std::int64_t> output_meant(std::vector<std::string> const& names, std::string const& text,
                                                       std::string const& flag);

/// Whether both name one class, with the task before it or without.
[[nodiscard]] bool same_class(std::string const& a, std::string const& b);

}  // namespace mneme
