#include "mneme/core/embedded.hpp"

#include <algorithm>

#include "mneme/core/errors.hpp"

namespace mneme {

std::string_view embedded_file(std::string_view name) {
  for (auto const* entry = detail::kEmbedded; entry->name != nullptr; ++entry)
    if (entry->name == name) return {entry->begin, static_cast<std::size_t>(entry->end - entry->begin)};
  throw Error("no file '" + std::string(name) + "' is embedded in this binary; it was built without it");
}

std::vector<std::string> embedded_files(std::string_view prefix) {
  std::vector<std::string> names;
  for (auto const* entry = detail::kEmbedded; entry->name != nullptr; ++entry)
    if (std::string_view(entry->name).starts_with(prefix)) names.emplace_back(entry->name);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace mneme
