#include "mneme/core/text.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <system_error>

namespace mneme {

std::string format_number(double value) {
  if (std::isnan(value)) return "nan";  // to_chars would write the sign of a NaN
  std::array<char, 32> buffer{};
  auto const result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return {buffer.data(), result.ptr};
}

std::optional<double> parse_number(std::string_view text) {
  double value = 0;
  char const* const end = text.data() + text.size();
  auto const result = std::from_chars(text.data(), end, value);
  if (text.empty() || result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return value;
}

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string out = "\"";
  for (char const c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

}  // namespace mneme
