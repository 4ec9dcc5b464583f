// Data sets in safetensors: any bytes give samples with a label each, or DataError.
#include "mneme/core/errors.hpp"
#include "mneme/io/tensor_data.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  for (std::string const split : {"train", "test"})
    for (std::optional<std::int64_t> const task : {std::optional<std::int64_t>(), std::optional<std::int64_t>(0)}) {
      try {
        auto const set = mneme::parse_tensor_data({data, data + size}, "fuzz", split, task);
        std::size_t elements = 1;
        for (auto const extent : set.shape) elements *= static_cast<std::size_t>(extent);
        if (set.pixels.size() + set.features.size() + set.tokens.size() != elements) __builtin_trap();
        if (set.labels.size() != static_cast<std::size_t>(set.count())) __builtin_trap();
      } catch (mneme::DataError const&) {
      }
    }
  return 0;
}
