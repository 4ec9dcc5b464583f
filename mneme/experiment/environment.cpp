#include <ATen/Context.h>
#include <torch/types.h>
#include <torch/version.h>

#include "mneme/core/processor.hpp"
#include "mneme/core/version.hpp"
#include "mneme/experiment/run.hpp"
#include "mneme/nets/device.hpp"
#include "mneme/train/checkpoint.hpp"

namespace mneme {
Json describe_environment() {
  Json environment = {{"mneme", kVersion}};
  environment.update(run_identity());
  environment["processor_name"] = processor_info("model name");
  environment["compiler"] = std::string(
#ifdef __clang__
      "clang " __clang_version__
#else
      "gcc " __VERSION__
#endif
  );
  environment["cxx11_abi"] = _GLIBCXX_USE_CXX11_ABI == 1;
  environment["cuda"] = cuda_obstacle().empty();
  environment["denormals"] =
      at::globalContext().setFlushDenormal(true) ? "flushed to zero" : "kept: this processor cannot flush them";
  return environment;
}

}  // namespace mneme
