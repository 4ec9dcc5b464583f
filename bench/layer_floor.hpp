// One layer's share of the products, and Adam's pass over parameters: what floors are put together from.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <vector>

namespace mneme::bench {

class LayerFloor {
 public:
  virtual ~LayerFloor() = default;
  virtual void forward() = 0;
  /// The gradient of the weights, and unless the layer is the first of its net that of its input.
  virtual void backward() = 0;
  /// The gradient of its input alone.
  virtual void backward_input() = 0;
};

/// By `at::mm_out` into tensors that stand ready.
std::unique_ptr<LayerFloor> linear_floor(std::int64_t batch, std::int64_t in, std::int64_t out, bool first = false);

struct ConvShape {
  std::int64_t kernel = 3, stride = 2, padding = 1;
  bool transposed = false;
};
/// By `at::convolution` and `at::convolution_backward` over inputs of `extent` x `extent`.
std::unique_ptr<LayerFloor> conv_floor(std::int64_t batch, std::int64_t in, std::int64_t out, std::int64_t extent,
                                       bool first = false, ConvShape const& shape = {});

/// One fused pass.
class AdamFloor {
 public:
  explicit AdamFloor(std::int64_t parameters);
  void step() const;

 private:
  std::vector<at::Tensor> value_, gradient_, first_, second_, count_;  // Adam's lists of one row each
};

}  // namespace mneme::bench
