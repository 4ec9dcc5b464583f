#include "floor.hpp"

#include <torch/types.h>

#include <array>

#include "mneme/nets/arena.hpp"

namespace mneme::bench {
namespace {

class LinearFloor final : public LayerFloor {
 public:
  LinearFloor(std::int64_t batch, std::int64_t in, std::int64_t out, bool first)
      : first_(first),
        x_(at::randn({batch, in})),
        w_(at::randn({out, in})),
        y_(at::randn({batch, out})),
        d_w_(at::zeros({out, in})),
        d_x_(at::zeros({batch, in})),
        w_t_(w_.t()),
        d_y_t_(at::randn({batch, out}).t()) {}

  void forward() override { at::mm_out(y_, x_, w_t_); }
  void backward() override {
    at::mm_out(d_w_, d_y_t_, x_);
    if (!first_) at::mm_out(d_x_, d_y_t_.t(), w_);
  }

 private:
  bool first_;
  at::Tensor x_, w_, y_, d_w_, d_x_, w_t_, d_y_t_;
};

/// A 3x3 convolution of stride 2 and padding 1.
class ConvFloor final : public LayerFloor {
 public:
  ConvFloor(std::int64_t batch, std::int64_t in, std::int64_t out, std::int64_t extent, bool first)
      : first_(first),
        x_(at::randn({batch, in, extent, extent})),
        w_(at::randn({out, in, 3, 3})),
        b_(at::randn({out})),
        d_y_(at::randn({batch, out, (extent + 1) / 2, (extent + 1) / 2})) {}

  void forward() override { at::convolution(x_, w_, b_, {2, 2}, {1, 1}, {1, 1}, false, {0, 0}, 1); }
  void backward() override {
    at::convolution_backward(d_y_, x_, w_, c10::IntArrayRef{w_.size(0)}, {2, 2}, {1, 1}, {1, 1}, false, {0, 0}, 1,
                             std::array<bool, 3>{!first_, true, true});
  }

 private:
  bool first_;
  at::Tensor x_, w_, b_, d_y_;
};

}  // namespace

Floor::Floor(std::int64_t parameters) {
  ParameterArena arena;
  arena.add("all", {parameters});
  for (auto* list : {&value_, &gradient_, &first_, &second_}) list->push_back(arena.new_row());  // staggered
  gradient_.front().normal_();
  count_.push_back(at::zeros({}));
}

Floor Floor::mlp(std::int64_t batch) {
  Floor floor(269'322);
  floor.layers_.push_back(std::make_unique<LinearFloor>(batch, 784, 256, true));
  floor.layers_.push_back(std::make_unique<LinearFloor>(batch, 256, 256, false));
  floor.layers_.push_back(std::make_unique<LinearFloor>(batch, 256, 10, false));
  return floor;
}

Floor Floor::cnn(std::int64_t batch) {
  Floor floor(2'435'722);
  floor.layers_.push_back(std::make_unique<ConvFloor>(batch, 1, 32, 28, true));
  floor.layers_.push_back(std::make_unique<ConvFloor>(batch, 32, 64, 14, false));
  floor.layers_.push_back(std::make_unique<LinearFloor>(batch, 64 * 7 * 7, 768, false));
  floor.layers_.push_back(std::make_unique<LinearFloor>(batch, 768, 10, false));
  return floor;
}

Floor Floor::cvae(std::int64_t batch) {
  Floor floor(1'081'120);
  floor.layers_.push_back(std::make_unique<LinearFloor>(batch, 794, 512, true));
  floor.layers_.push_back(std::make_unique<LinearFloor>(batch, 512, 256, false));
  floor.layers_.push_back(std::make_unique<LinearFloor>(batch, 256, 16, false));
  for (auto& layer : cvae_decoder(batch).layers_) floor.layers_.push_back(std::move(layer));
  return floor;
}

Floor Floor::cvae_decoder(std::int64_t batch) {
  Floor floor(538'640);
  floor.layers_.push_back(std::make_unique<LinearFloor>(batch, 18, 256, false));
  floor.layers_.push_back(std::make_unique<LinearFloor>(batch, 256, 512, false));
  floor.layers_.push_back(std::make_unique<LinearFloor>(batch, 512, 784, false));
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
  count_.front().add_(1);
  at::_fused_adam_(value_, gradient_, first_, second_, {}, count_, 1e-3, 0.9, 0.999, 0.0, 1e-8, false, false);
}

}  // namespace mneme::bench
