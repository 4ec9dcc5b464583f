// What is done to a text before the TOML parser sees it. Internal to core/toml.cpp.
//
// The parser (toml++ 3.3) has undefined behaviour for some non-ASCII characters wherever it does not expect them, and
// recurses as deep as the text asks. So it only ever gets ASCII: characters in strings become \U escapes, those in
// comments question marks, and elsewhere they are refused, as is what nests too deep.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mneme {

inline constexpr std::size_t kLongestToml = std::size_t{1} << 20;

struct GuardedToml {
  std::string text;          // ASCII, with the same meaning and the same lines
  std::vector<int> columns;  // of each byte of `text` in the original, in characters from 1

  /// The column in the original of a place in `text`, both counted from 1.
  [[nodiscard]] std::size_t original_column(std::size_t line, std::size_t column) const;
};

/// Throws ConfigError "name:line:column: ..." for: more than kLongestToml bytes; bytes that are no UTF-8; non-ASCII
/// characters outside of strings and comments; control characters; strings without an end; deep nesting.
GuardedToml guard_toml(std::string_view text, std::string const& name);

}  // namespace mneme
