// Small text conversions that do not depend on the locale.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mneme {

/// The shortest text that reads back as the same bits: "0.1", "3", "1e+20", "inf", "-inf", "nan".
std::string format_number(double value);

/// The number that all of `text` stands for, or nullopt. Accepts what `format_number` writes; no spaces, no leading
/// '+'.
std::optional<double> parse_number(std::string_view text);

/// As a field of a CSV record, RFC 4180: quoted where it holds a comma, a quote or a line break.
std::string csv_field(std::string_view text);

/// "a, b, c".
template <class Range>
std::string join(Range const& parts, std::string_view separator = ", ") {
  std::string text;
  for (auto const& part : parts) {
    if (!text.empty()) text += separator;
    text += part;
  }
  return text;
}

}  // namespace mneme
