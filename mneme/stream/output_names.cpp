#include "mneme/stream/output_names.hpp"

#include <algorithm>
#include <charconv>

#include "mneme/core/errors.hpp"

namespace mneme {

std::optional<std::int64_t> output_named(std::vector<std::string> const& names, std::string const& name) {
  auto const exact = std::find(names.begin(), names.end(), name);
  if (exact != names.end()) return exact - names.begin();
  auto const of_task = [&](std::string const& output) { return output.ends_with(": " + name); };
  if (std::count_if(names.begin(), names.end(), of_task) != 1) return {};
  return std::find_if(names.begin(), names.end(), of_task) - names.begin();
}

std::optional<std::int64_t> output_meant(std::vector<std::string> const& names, std::string const& text,
                                         std::string const& flag) {
  auto const named = output_named(names, text);
  if (named && names[static_cast<std::size_t>(*named)] == text) return named;
  std::int64_t number = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) return named;
  if (named && *named != number) {
    auto const place = static_cast<std::size_t>(number);
    throw ConfigError(flag + " " + text + ": may be the number of '" +
                      (place < names.size() ? names[place] : std::string("no class")) + "' or the name of '" +
                      names[static_cast<std::size_t>(*named)] + "'; write the whole name");
  }
  return number;
}

bool same_class(std::string const& a, std::string const& b) {
  return a == b || a.ends_with(": " + b) || b.ends_with(": " + a);
}

}  // namespace mneme
