#include "mneme/nets/batch_norm.hpp"

#include <torch/types.h>

#include <utility>

#include "mneme/core/errors.hpp"
#include "mneme/nets/node.hpp"

namespace mneme {
namespace {

constexpr double kMomentum = 0.1, kEpsilon = 1e-5;

}  // namespace

struct BatchNormNode final : node::Node {
  BatchNorm const* layer = nullptr;
  bool training = false;
  at::Tensor input;                      // [N, C, ...]
  at::Tensor output;                     // after the activation; only where the activation needs it
  at::Tensor mean, variance;             // [C] of evaluation, as they were in this pass
  at::Tensor batch_mean, batch_inverse;  // what the forward pass left: [C] of training; a GPU's kernel reads it always
  bool squared = false;  // this node has written its squares, in an earlier pass of the same graph (kExpectedSquares)

  node::variable_list apply(node::variable_list&& gradients) override {
    at::AutoDispatchBelowADInplaceOrView const below;
    at::Tensor delta = gradients[0];
    if (!delta.defined()) return {at::Tensor()};
    if (output.defined()) delta = at::threshold_backward(delta, output, 0);
    auto& arena = *layer->arena_;
    auto& sink = arena.sink();
    bool const sum = sink.reduction() == Reduction::kSum;
    auto [d_input, d_weight, d_bias] =
        at::native_batch_norm_backward(delta, input, arena.value(layer->weight_), mean, variance, batch_mean,
                                       batch_inverse, training, kEpsilon, {should_compute_output(0), sum, sum});
    auto const& weight = sink.view(layer->weight_);
    auto const& bias = sink.view(layer->bias_);
    if (sum) {
      bool const add = node::claim(sink, {layer->weight_, layer->bias_});
      node::put(weight, d_weight, add);
      node::put(bias, d_bias, add);
    } else {
      refuse_in_training(arena);
      node::need_squares(sink, arena, layer->weight_);
      if (!squared) node::claim_alone(sink, arena, {layer->weight_, layer->bias_});
      bool const add = std::exchange(squared, true);
      at::DimVector channel(static_cast<std::size_t>(input.dim()), 1);
      channel[1] = -1;
      auto const by_channel = [&](at::Tensor const& row) { return row.view(channel); };
      auto const over_positions = [](at::Tensor const& t) { return t.dim() > 2 ? t.flatten(2).sum(2) : t; };
      auto const normal = (input - by_channel(mean)) * by_channel((variance + kEpsilon).rsqrt_());
      node::put(weight, over_positions(normal * delta).square().sum(0), add);
      node::put(bias, over_positions(delta).square().sum(0), add);
    }
    return {d_input};
  }

  void refuse_in_training(ParameterArena const& arena) const {
    if (!training) return;
    auto const& name = arena.segment(layer->weight_).name;
    throw ConfigError("batch normalisation ('" + name +
                      "'): in training a sample's output depends on its whole batch, so there is no gradient per "
                      "sample. Run the pass in evaluation mode (ForwardContext::training = false)");
  }
};

BatchNorm::BatchNorm(ParameterArena& arena, std::string const& name, std::int64_t channels, Activation activation)
    : arena_(&arena),
      weight_(arena.add(name + ".weight", {channels})),
      bias_(arena.add(name + ".bias", {channels})),
      mean_(arena.add_buffer(name + ".mean", {channels})),
      variance_(arena.add_buffer(name + ".variance", {channels})),
      activation_(activation) {}

at::Tensor BatchNorm::forward(at::Tensor const& x, bool training) const {
  at::AutoDispatchBelowADInplaceOrView const below;
  if (training && x.numel() == x.size(1))
    throw ConfigError(
        "batch normalisation: a batch of one sample whose maps are of one pixel has no variance. Choose a larger "
        "train.batch, a larger batch or memory of stored samples where a strategy trains on them alone, or larger "
        "images");
  at::Tensor mean = arena_->buffer(mean_), variance = arena_->buffer(variance_);
  auto [y, batch_mean, batch_inverse] = at::_native_batch_norm_legit(x, arena_->value(weight_), arena_->value(bias_),
                                                                     mean, variance, training, kMomentum, kEpsilon);
  if (activation_ == Activation::kRelu) y.relu_();
  if (!at::GradMode::is_enabled()) return y;
  auto next = node::make<BatchNormNode>();
  next->layer = this;
  next->training = training;
  next->input = x.detach();
  if (activation_ == Activation::kRelu) next->output = y.detach();
  next->batch_mean = batch_mean;
  next->batch_inverse = batch_inverse;
  if (!training) {  // a training pass may move them before this one's backward
    next->mean = mean.clone();
    next->variance = variance.clone();
  }
  node::connect(next, x, y);
  return y;
}

void BatchNorm::initialise() const {
  at::NoGradGuard const no_grad;
  arena_->value(weight_).fill_(1);
  arena_->value(bias_).zero_();
  arena_->buffer(mean_).zero_();
  arena_->buffer(variance_).fill_(1);
}

}  // namespace mneme
