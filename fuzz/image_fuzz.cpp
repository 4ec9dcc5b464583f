// Pictures: any bytes give [channels, height, width] pixels, or DataError.
#include "mneme/core/errors.hpp"
#include "mneme/io/image_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  try {
    auto const image = mneme::decode_image({data, size}, "fuzz");
    auto const pixels = static_cast<std::size_t>(image.channels * image.height * image.width);
    if (image.pixels.size() != pixels) __builtin_trap();
  } catch (mneme::DataError const&) {
  }
  return 0;
}
