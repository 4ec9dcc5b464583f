#include "mneme/nets/device.hpp"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <dlfcn.h>

#include "mneme/core/errors.hpp"

namespace mneme {
namespace {

std::string load_cuda() {
  if (at::hasCUDA()) return {};  // the program is linked to it
  if (::dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL) == nullptr) return "this machine has no NVIDIA driver";
  auto const library = torch_folder() / "libtorch_cuda.so";
  if (!std::filesystem::exists(library))
    return "this libtorch is built for the processor alone (it has no libtorch_cuda.so)";
  if (::dlopen(library.c_str(), RTLD_LAZY | RTLD_GLOBAL) == nullptr) {
    char const* reason = ::dlerror();
    return std::string("libtorch_cuda.so cannot be loaded: ") + (reason != nullptr ? reason : "unknown reason");
  }
  if (!at::hasCUDA()) return "libtorch_cuda.so loads, but it sees no usable GPU; `nvidia-smi` tells of the driver";
  at::globalContext().setDeterministicCuDNN(true);
  at::globalContext().setBenchmarkCuDNN(false);
  return {};
}

}  // namespace

std::filesystem::path torch_folder() {
  Dl_info info{};
  if (::dladdr(reinterpret_cast<void*>(&at::get_num_threads), &info) == 0 || info.dli_fname == nullptr) return {};
  return std::filesystem::path(info.dli_fname).parent_path();
}

std::string cuda_obstacle() {
  static std::string const obstacle = load_cuda();
  return obstacle;
}

at::Device find_device(std::string const& name) {
  if (name == "cpu") return at::kCPU;
  auto const obstacle = cuda_obstacle();
  if (obstacle.empty()) return {at::kCUDA, 0};
  if (name == "cuda")
    throw ConfigError("device: cuda was asked for, but " + obstacle + ". Use device = \"cpu\", or \"auto\"");
  return at::kCPU;
}

}  // namespace mneme
