// zip: any bytes give members of the size that the directory says, or DataError.
#include <sstream>

#include "mneme/core/errors.hpp"
#include "mneme/io/zip.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::istringstream stream(std::string(reinterpret_cast<char const*>(data), size));
  try {
    mneme::ZipReader const zip(stream, "fuzz");
    for (auto const& member : zip.members()) {
      if (zip.read(member, 1 << 20).size() != member.size) __builtin_trap();
    }
  } catch (mneme::DataError const&) {
  }
  return 0;
}
