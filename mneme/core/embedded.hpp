// Files that travel inside the binary: the data sample, the report's style and scripts, the reference experiments and
// plot.py. Names are "sample/<file>", "report/<file>", "experiments/<name>.toml" and "plot.py"; CMakeLists.txt lists
// them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mneme {

/// The bytes of one file; they live as long as the process. Throws Error on an unknown name.
std::string_view embedded_file(std::string_view name);

/// Names that begin with `prefix`, sorted; all for an empty prefix.
std::vector<std::string> embedded_files(std::string_view prefix);

namespace detail {
struct EmbeddedEntry {
  char const* name;
  char const* begin;
  char const* end;
};
extern EmbeddedEntry const kEmbedded[];  // written at configure time, ends with a null name
}  // namespace detail

}  // namespace mneme
