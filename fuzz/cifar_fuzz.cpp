// CIFAR: any bytes give pictures and labels that fit together, or DataError.
#include "mneme/core/errors.hpp"
#include "mneme/io/cifar.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using mneme::CifarLabels;
  for (auto const labels : {CifarLabels::kTen, CifarLabels::kFine, CifarLabels::kCoarse}) {
    try {
      auto const set = mneme::parse_cifar({data, size}, "fuzz", labels);
      if (set.labels.empty() || set.pixels.size() != set.labels.size() * 3072) __builtin_trap();
      for (auto const label : set.labels)
        if (label < 0 || label >= static_cast<std::int64_t>(set.class_names.size())) __builtin_trap();
    } catch (mneme::DataError const&) {
    }
  }
  return 0;
}
