#include "mneme/nets/device.hpp"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <dlfcn.h>

#include "mneme/core/errors.hpp"

namespace mneme {
namespace {

/// CUDA's kernels are there. `at::hasCUDA` must not be asked before they are: ATen makes its hooks once, and would keep
/// those of a build without CUDA.
bool linked() { return at::CUDAHooksRegistry()->Has("CUDAHooks"); }

/// Same seed, same bits, as far as the library allows; products in float32, not in TF32.
void choose_exact_kernels() {
  auto& context = at::globalContext();
  context.setDeterministicCuDNN(true);
  context.setBenchmarkCuDNN(false);
  context.setAllowTF32CuDNN(false);
}

std::string load_cuda() {
  if (linked()) {
    if (!at::hasCUDA()) return "libtorch_cuda.so is there, but it sees no usable GPU; `nvidia-smi` tells of the driver";
    choose_exact_kernels();
    return {};
  }
  if (::dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL) == nullptr) return "this machine has no NVIDIA driver";
  auto const library = torch_folder() / "libtorch_cuda.so";
  if (!std::filesystem::exists(library))
    return "this libtorch is built for the processor alone (it has no libtorch_cuda.so)";
  if (::dlopen(library.c_str(), RTLD_LAZY | RTLD_GLOBAL) == nullptr) {
    char const* reason = ::dlerror();
    return std::string("libtorch_cuda.so cannot be loaded: ") + (reason != nullptr ? reason : "unknown reason") +
           ". The libtorch that the build fetches comes without CUDA's own libraries; build against a torch of yours "
           "that has them, with -DMNEME_TORCH_DIR";
  }
  if (!linked()) return "libtorch_cuda.so loads, but brings no CUDA; its torch is another one than this program's";
  if (!at::hasCUDA())
    return "libtorch_cuda.so loads, but it sees no usable GPU (`nvidia-smi` tells of the driver), or torch was used in "
           "this process before a device was asked for";
  choose_exact_kernels();
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
    throw ConfigError(
        "device: cuda was asked for, but " + obstacle +
        ". Use device = \"cpu\" or \"auto\"; a run that was begun on a GPU goes on there, or, with that changed in "
        "its config.toml, with --allow-drift elsewhere");
  return at::kCPU;
}

}  // namespace mneme
