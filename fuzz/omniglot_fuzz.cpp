// Omniglot: any bytes give pictures with a class each, or DataError.
#include <sstream>

#include "mneme/core/errors.hpp"
#include "mneme/io/omniglot.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::istringstream stream(std::string(reinterpret_cast<char const*>(data), size));
  try {
    std::vector<mneme::ZipReader> archives;
    archives.emplace_back(stream, "fuzz");
    auto const set = mneme::read_omniglot(archives, {.size = 4});
    if (set.pixels.size() != set.labels.size() * 16) __builtin_trap();
    for (auto const label : set.labels)
      if (label < 0 || label >= static_cast<std::int64_t>(set.class_names.size())) __builtin_trap();
  } catch (mneme::DataError const&) {
  }
  return 0;
}
