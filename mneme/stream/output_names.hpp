// Names of outputs. Where tasks have outputs of their own they are called "<task>: <class>" (assign_outputs).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mneme {

/// The output of that name; else the only "<task>: <name>".
[[nodiscard]] std::optional<std::int64_t> output_named(std::vector<std::string> const& names, std::string const& name);

/// Whether both name one class, with the task before it or without.
[[nodiscard]] bool same_class(std::string const& a, std::string const& b);

}  // namespace mneme
