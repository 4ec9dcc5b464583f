// idx: any bytes give an array whose size fits its shape, or DataError.
#include "mneme/core/errors.hpp"
#include "mneme/io/idx.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  try {
    auto const array = mneme::parse_idx({data, size}, "fuzz");
    std::size_t elements = 1;
    for (auto const length : array.shape) elements *= static_cast<std::size_t>(length);
    if (elements != array.data.size()) __builtin_trap();
  } catch (mneme::DataError const&) {
  }
  try {
    auto const integers = mneme::parse_idx_integers({data, size}, "fuzz");
    std::size_t elements = 1;
    for (auto const length : integers.shape) elements *= static_cast<std::size_t>(length);
    if (elements != integers.data.size()) __builtin_trap();
  } catch (mneme::DataError const&) {
  }
  return 0;
}
