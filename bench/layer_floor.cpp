#include "layer_floor.hpp"

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
    if (!first_) backward_input();
  }
  void backward_input() override { at::mm_out(d_x_, d_y_t_.t(), w_); }

 private:
  bool first_;
  at::Tensor x_, w_, y_, d_w_, d_x_, w_t_, d_y_t_;
};

class ConvFloor final : public LayerFloor {
 public:
  ConvFloor(std::int64_t batch, std::int64_t in, std::int64_t out, std::int64_t extent, bool first, ConvShape shape)
      : first_(first),
        shape_(shape),
        x_(at::randn({batch, in, extent, extent})),
        w_(shape.transposed ? at::randn({in, out, shape.kernel, shape.kernel})
                            : at::randn({out, in, shape.kernel, shape.kernel})),
        b_(at::randn({out})),
        d_y_(at::randn_like(convolved())) {}

  void forward() override { static_cast<void>(convolved()); }
  void backward() override { gradients({!first_, true, true}); }
  void backward_input() override { gradients({true, false, false}); }

 private:
  [[nodiscard]] at::Tensor convolved() const {
    return at::convolution(x_, w_, b_, {shape_.stride, shape_.stride}, {shape_.padding, shape_.padding}, {1, 1},
                           shape_.transposed, {0, 0}, 1);
  }
  void gradients(std::array<bool, 3> const& wanted) const {
    at::convolution_backward(d_y_, x_, w_, c10::IntArrayRef{b_.size(0)}, {shape_.stride, shape_.stride},
                             {shape_.padding, shape_.padding}, {1, 1}, shape_.transposed, {0, 0}, 1, wanted);
  }

  bool first_;
  ConvShape shape_;
  at::Tensor x_, w_, b_, d_y_;
};

}  // namespace

std::unique_ptr<LayerFloor> linear_floor(std::int64_t batch, std::int64_t in, std::int64_t out, bool first) {
  return std::make_unique<LinearFloor>(batch, in, out, first);
}

std::unique_ptr<LayerFloor> conv_floor(std::int64_t batch, std::int64_t in, std::int64_t out, std::int64_t extent,
                                       bool first, ConvShape const& shape) {
  return std::make_unique<ConvFloor>(batch, in, out, extent, first, shape);
}

AdamFloor::AdamFloor(std::int64_t parameters) {
  ParameterArena arena;
  arena.add("all", {parameters});
  for (auto* list : {&value_, &gradient_, &first_, &second_}) list->push_back(arena.new_row());  // staggered
  gradient_.front().normal_();
  count_.push_back(at::zeros({}));
}

void AdamFloor::step() const {
  at::NoGradGuard const no_grad;
  count_.front().add_(1);
  at::_fused_adam_(value_, gradient_, first_, second_, {}, count_, 1e-3, 0.9, 0.999, 0.0, 1e-8, false, false);
}

}  // namespace mneme::bench
