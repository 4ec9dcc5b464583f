// The version of the library, of the command and of what they write into run folders.
#pragma once

#include <string_view>

namespace mneme {
inline constexpr std::string_view kVersion = "0.1.0";
}  // namespace mneme
