#include "floor.hpp"

#include <torch/types.h>

namespace mneme::bench {

Floor Floor::mlp(std::int64_t batch) {
  Floor floor(269'322);
  floor.layers_.push_back(linear_floor(batch, 784, 256, true));
  floor.layers_.push_back(linear_floor(batch, 256, 256));
  floor.layers_.push_back(linear_floor(batch, 256, 10));
  return floor;
}

Floor Floor::cnn(std::int64_t batch) {
  Floor floor(2'435'722);
  floor.layers_.push_back(conv_floor(batch, 1, 32, 28, true));
  floor.layers_.push_back(conv_floor(batch, 32, 64, 14));
  floor.layers_.push_back(linear_floor(batch, 64 * 7 * 7, 768));
  floor.layers_.push_back(linear_floor(batch, 768, 10));
  return floor;
}

Floor Floor::cvae(std::int64_t batch) {
  Floor floor(1'081'120);
  floor.layers_.push_back(linear_floor(batch, 794, 512, true));
  floor.layers_.push_back(linear_floor(batch, 512, 256));
  floor.layers_.push_back(linear_floor(batch, 256, 16));
  for (auto& layer : cvae_decoder(batch).layers_) floor.layers_.push_back(std::move(layer));
  return floor;
}

Floor Floor::cvae_decoder(std::int64_t batch) {
  Floor floor(538'640);
  floor.layers_.push_back(linear_floor(batch, 18, 256));
  floor.layers_.push_back(linear_floor(batch, 256, 512));
  floor.layers_.push_back(linear_floor(batch, 512, 784));
  return floor;
}

void Floor::forward() const {
  at::NoGradGuard const no_grad;
  for (auto const& layer : layers_) layer->forward();
}

void Floor::step() const {
  at::NoGradGuard const no_grad;
  forward();
  for (auto layer = layers_.rbegin(); layer != layers_.rend(); ++layer) (*layer)->backward();
  adam_.step();
}

}  // namespace mneme::bench
