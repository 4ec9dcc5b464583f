// A libtorch_cuda.so that brings nothing but the news that there is CUDA: with it tests/cli/cuda.py sees, on a machine
// without a GPU, whether the command finds the library beside the processor's and believes it.
#include <ATen/detail/CUDAHooksInterface.h>

namespace at {
namespace {

/// The name is the key under which ATen looks for it.
class CUDAHooks final : public CUDAHooksInterface {
 public:
  explicit CUDAHooks(CUDAHooksArgs /*arguments*/) {}
  bool hasCUDA() const override { return true; }
  c10::DeviceIndex deviceCount() const override { return 1; }
};

REGISTER_CUDA_HOOKS(CUDAHooks);

}  // namespace
}  // namespace at
