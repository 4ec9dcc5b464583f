#include "mneme/core/processor.hpp"

#include <fstream>

namespace mneme {

std::string processor_info(std::string_view field) {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.starts_with(field))
      if (auto const colon = line.find(": "); colon != std::string::npos) return line.substr(colon + 2);
  return "unknown";
}

}  // namespace mneme
