// CSV: any text gives a table whose parts fit together, or DataError.
#include "mneme/core/errors.hpp"
#include "mneme/io/bytes.hpp"
#include "mneme/io/csv.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  for (bool const header : {true, false}) {
    try {
      auto const table = mneme::parse_csv(mneme::as_text({data, size}), "fuzz", {.label = "label", .header = header});
      if (table.features.size() != static_cast<std::size_t>(table.shape[0] * table.shape[1])) __builtin_trap();
      for (auto const label : table.labels) {
        if (label < 0 || label >= static_cast<std::int64_t>(table.class_names.size())) __builtin_trap();
      }
    } catch (mneme::DataError const&) {
    }
  }
  return 0;
}
