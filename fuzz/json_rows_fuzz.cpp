// JSON tables: any text gives a table whose parts fit together, or DataError.
#include "mneme/core/errors.hpp"
#include "mneme/io/bytes.hpp"
#include "mneme/io/json_rows.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  for (bool const unlabelled : {false, true}) {
    try {
      auto const table = mneme::parse_json_table(mneme::as_text({data, size}), "fuzz",
                                                 {.numbers = {"x"}, .label = "y", .unlabelled = unlabelled});
      if (table.features.size() != static_cast<std::size_t>(table.shape[0] * table.shape[1])) __builtin_trap();
      if (table.labels.size() != static_cast<std::size_t>(table.shape[0])) __builtin_trap();
    } catch (mneme::DataError const&) {
    }
  }
  return 0;
}
