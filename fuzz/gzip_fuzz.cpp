// gzip and raw deflate: any bytes give at most the allowed number of bytes, or DataError.
#include "mneme/core/errors.hpp"
#include "mneme/io/bytes.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  constexpr std::size_t kLimit = 1 << 20;
  try {
    if (mneme::gunzip({data, size}, "fuzz", kLimit).size() > kLimit) __builtin_trap();
  } catch (mneme::DataError const&) {
  }
  try {
    if (mneme::inflate_raw({data, size}, 100, "fuzz").size() != 100) __builtin_trap();
  } catch (mneme::DataError const&) {
  }
  return 0;
}
