#include "mneme/stream/output_names.hpp"

#include <algorithm>

namespace mneme {

std::optional<std::int64_t> output_named(std::vector<std::string> const& names, std::string const& name) {
  auto const exact = std::find(names.begin(), names.end(), name);
  if (exact != names.end()) return exact - names.begin();
  auto const of_task = [&](std::string const& output) { return output.ends_with(": " + name); };
  if (std::count_if(names.begin(), names.end(), of_task) != 1) return {};
  return std::find_if(names.begin(), names.end(), of_task) - names.begin();
}

bool same_class(std::string const& a, std::string const& b) {
  return a == b || a.ends_with(": " + b) || b.ends_with(": " + a);
}

}  // namespace mneme
