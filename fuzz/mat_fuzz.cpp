// MAT-files: any bytes give arrays whose elements fit their extents and pictures with a digit each, or DataError. The
// input is what follows the header, in either order of bytes.
#include "mneme/core/errors.hpp"
#include "mneme/io/mat.hpp"
#include "mneme/io/svhn.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  constexpr std::size_t kHeader = 128;
  if (size == 0) return 0;
  std::vector<std::uint8_t> file(kHeader, ' ');
  bool const little = data[0] % 2 == 0;
  file[124] = !little;
  file[125] = little;
  file[126] = little ? 'I' : 'M';
  file[127] = little ? 'M' : 'I';
  file.insert(file.end(), data + 1, data + size);
  try {
    for (auto const& array : mneme::parse_mat(file, "fuzz")) {
      std::size_t elements = 1;
      for (auto const extent : array.shape) elements *= static_cast<std::size_t>(extent);
      if (array.numbers().size() != elements) __builtin_trap();
    }
    auto const set = mneme::parse_svhn(file, "fuzz");
    for (auto const label : set.labels)
      if (label < 0 || label > 9) __builtin_trap();
  } catch (mneme::DataError const&) {
  }
  return 0;
}
