#include "mneme/io/json_file.hpp"

#include "mneme/core/errors.hpp"
#include "mneme/core/files.hpp"
#include "mneme/io/bytes.hpp"

namespace mneme {

Json read_json(std::filesystem::path const& file) {
  auto const bytes = read_file(file);
  try {
    return Json::parse(bytes.begin(), bytes.end());
  } catch (Json::exception const& e) {
    throw DataError(file.string() + ": damaged: " + e.what());
  }
}

void write_json(std::filesystem::path const& file, Json const& json) { write_file(file, json.dump(1) + "\n"); }

}  // namespace mneme
