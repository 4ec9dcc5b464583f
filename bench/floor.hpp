// The least that a training step or a forward pass of a net can be: its products into tensors that stand ready, and one
// fused Adam pass over its parameters. No activation, loss, bias or data is counted.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <vector>

namespace mneme::bench {

/// One layer's share of the products.
class LayerFloor {
 public:
  virtual ~LayerFloor() = default;
  virtual void forward() = 0;
  virtual void backward() = 0;
};

class Floor {
 public:
  /// 784-256-256-10: 3 L - 1 products by `at::mm_out`.
  static Floor mlp(std::int64_t batch);
  /// The CNN of the founding study: `at::convolution` and `at::convolution_backward` without the gradient of the
  /// images, and the products of the two Linear layers.
  static Floor cnn(std::int64_t batch);
  /// A conditional VAE 794-512-256-(8, 8), 18-256-512-784; mu and log sigma^2 as one product.
  static Floor cvae(std::int64_t batch);
  /// Its decoder.
  static Floor cvae_decoder(std::int64_t batch);

  void forward() const;
  void step() const;

 private:
  explicit Floor(std::int64_t parameters);

  std::vector<std::unique_ptr<LayerFloor>> layers_;
  std::vector<at::Tensor> value_, gradient_, first_, second_, count_;  // Adam's lists of one row each
};

}  // namespace mneme::bench
