// tar: any bytes give members within them, or DataError.
#include "mneme/core/errors.hpp"
#include "mneme/io/tar.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  try {
    for (auto const& member : mneme::tar_members({data, size}, "fuzz"))
      if (member.content.data() < data || member.content.data() + member.content.size() > data + size) __builtin_trap();
  } catch (mneme::DataError const&) {
  }
  return 0;
}
