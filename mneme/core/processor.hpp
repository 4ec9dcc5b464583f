// What the operating system says about the processor.
#pragma once

#include <string>
#include <string_view>

namespace mneme {

/// A field of /proc/cpuinfo, of the first processor: "vendor_id", "model name"; "unknown" where there is none.
std::string processor_info(std::string_view field);

}  // namespace mneme
