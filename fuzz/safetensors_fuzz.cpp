// safetensors: any bytes give tensors that lie within the file and can be written again, or CheckpointError.
#include "mneme/core/errors.hpp"
#include "mneme/io/safetensors.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  try {
    auto const file = mneme::SafetensorsFile::parse({data, data + size}, "fuzz");
    std::size_t total = 0;
    for (auto const& tensor : file.tensors()) total += tensor.bytes.size();
    if (total > size) __builtin_trap();
    auto const again = mneme::encode_safetensors(file.tensors(), file.metadata());
    auto const copy = mneme::SafetensorsFile::parse({again.begin(), again.end()}, "copy");
    if (copy.tensors().size() != file.tensors().size()) __builtin_trap();
  } catch (mneme::CheckpointError const&) {
  }
  return 0;
}
