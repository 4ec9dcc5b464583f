// Fuzzer of the TOML reader: any bytes give a value or a ConfigError, and what was read is written and read again as
// the same text.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "mneme/core/errors.hpp"
#include "mneme/core/toml.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  mneme::Json value;
  try {
    value = mneme::parse_toml(std::string_view(reinterpret_cast<char const*>(data), size), "fuzz");
  } catch (mneme::ConfigError const&) {
    return 0;
  }
  std::string const text = mneme::to_toml(value);
  if (mneme::to_toml(mneme::parse_toml(text, "again")) != text) std::abort();
  return 0;
}
