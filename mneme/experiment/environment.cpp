#include <torch/types.h>
#include <torch/version.h>

#include <fstream>

#include "mneme/core/version.hpp"
#include "mneme/experiment/run.hpp"

namespace mneme {
namespace {

std::string processor_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("model name"))
      if (auto const colon = line.find(": "); colon != std::string::npos) return line.substr(colon + 2);
  return "unknown";
}

}  // namespace

Json describe_environment() {
  Json environment = {{"mneme", kVersion}};
  environment.update(run_identity());
  environment["processor_name"] = processor_name();
  environment["compiler"] = std::string(
#ifdef __clang__
      "clang " __clang_version__
#else
      "gcc " __VERSION__
#endif
  );
  environment["cxx11_abi"] = _GLIBCXX_USE_CXX11_ABI == 1;
  environment["cuda"] = at::hasCUDA();
  environment["denormals"] = "flushed to zero";
  return environment;
}

}  // namespace mneme
