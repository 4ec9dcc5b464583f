// A JSON value as a file of its own.
#pragma once

#include <filesystem>

#include "mneme/core/json.hpp"

namespace mneme {

/// DataError, naming the file, where it cannot be read or is no JSON.
[[nodiscard]] Json read_json(std::filesystem::path const& file);
/// In place of the old file as a whole, or not at all (core/files.hpp).
void write_json(std::filesystem::path const& file, Json const& json);

}  // namespace mneme
