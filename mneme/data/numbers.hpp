// The numbers of a tensor, for what is decided on the processor.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace mneme {

/// Of an int64 tensor on any device, row by row.
[[nodiscard]] inline std::vector<std::int64_t> numbers_of(at::Tensor const& tensor) {
  auto const host = tensor.to(at::kCPU).contiguous();
  auto const* first = host.const_data_ptr<std::int64_t>();
  return {first, first + host.numel()};
}

}  // namespace mneme
