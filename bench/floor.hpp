// The least that a training step or a forward pass of a net can be: its products into tensors that stand ready, and one
// fused Adam pass over its parameters. No activation, normalisation, loss, bias or data is counted.
#pragma once

#include "layer_floor.hpp"

namespace mneme::bench {

class Floor {
 public:
  /// 784-256-256-10: 3 L - 1 products.
  static Floor mlp(std::int64_t batch);
  /// The CNN of the founding study, without the gradient of the images.
  static Floor cnn(std::int64_t batch);
  /// A conditional VAE 794-512-256-(8, 8), 18-256-512-784; mu and log sigma^2 as one product.
  static Floor cvae(std::int64_t batch);
  /// Its decoder.
  static Floor cvae_decoder(std::int64_t batch);

  void forward() const;
  void step() const;

 private:
  explicit Floor(std::int64_t parameters) : adam_(parameters) {}

  std::vector<std::unique_ptr<LayerFloor>> layers_;
  AdamFloor adam_;
};

/// The phases of lgaa's nets for images 1 x 28 x 28, ten classes, two domains, a code of 32.
class LgaaFloor {
 public:
  LgaaFloor(std::int64_t batch, double width);
  /// Images drawn; the critic's step over them and as many real ones; and of the penalty a pass, the gradient of its
  /// input, and a pass with fixed slopes whose gradient is that of the weights.
  void critic() const;
  /// Images drawn, through critic, category and domain net and back to the generator's weights.
  void generator() const;
  /// Encoder, category and domain net, and the generator down to its code.
  void inference() const;

 private:
  using Net = std::vector<std::unique_ptr<LayerFloor>>;
  std::int64_t wide_;
  Net generator_, critic_, both_, encoder_, category_, domain_;  // both_: the critic over real and drawn images
  AdamFloor critic_adam_, generator_adam_, inference_adam_;
};

}  // namespace mneme::bench
