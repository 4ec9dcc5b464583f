// Shapes in words.
#pragma once

#include <string>

namespace mneme {

/// "1 x 28 x 28".
template <class Extents>
std::string extents_text(Extents const& extents) {
  std::string text;
  for (auto const extent : extents) text += (text.empty() ? "" : " x ") + std::to_string(extent);
  return text;
}

}  // namespace mneme
