#include "mneme/nets/conv_transpose.hpp"

#include <torch/types.h>

#include <utility>

#include "mneme/nets/node.hpp"
#include "mneme/nets/per_sample.hpp"

namespace mneme {

struct ConvTranspose2dNode final : node::Node {
  ConvTranspose2d const* layer = nullptr;
  at::Tensor input;      // [N, in, H, W]
  at::Tensor output;     // after the activation; only where the activation needs it
  bool written = false;  // this node has written, in an earlier pass of the same graph (kExpectedSquares)

  node::variable_list apply(node::variable_list&& gradients) override {
    at::AutoDispatchBelowADInplaceOrView const below;
    at::Tensor delta = gradients[0];
    if (!delta.defined()) return {at::Tensor()};
    if (output.defined()) delta = at::threshold_backward(delta, output, 0);
    auto const& l = *layer;
    auto& sink = l.arena_->sink();
    bool const need_input = should_compute_output(0);
    if (sink.reduction() == Reduction::kSum) {
      bool const add = node::claim(sink, {l.weight_, l.bias_});
      auto [d_input, d_weight, d_bias] = backward(delta, {need_input, true, true});
      node::put(sink.view(l.weight_), d_weight, add);
      node::put(sink.view(l.bias_), d_bias, add);
      return {d_input};
    }
    if (!written) node::claim_alone(sink, *l.arena_, {l.weight_, l.bias_});
    bool const add = std::exchange(written, true);
    if (sink.reduction() == Reduction::kProducts)
      products(delta, sink);
    else
      reduce(delta, sink, add);
    if (!need_input) return {at::Tensor()};
    return {std::get<0>(backward(delta, {true, false, false}))};
  }

  [[nodiscard]] std::tuple<at::Tensor, at::Tensor, at::Tensor> backward(at::Tensor const& delta,
                                                                        std::array<bool, 3> mask) const {
    auto const& l = *layer;
    auto const& w = l.arena_->value(l.weight_);
    return at::convolution_backward(delta, input, w, c10::IntArrayRef{w.size(1)}, {l.stride_, l.stride_},
                                    {l.padding_, l.padding_}, {1, 1}, true, {0, 0}, 1, mask);
  }

  [[nodiscard]] node::Window window() const { return {layer->kernel_, layer->stride_, layer->padding_}; }

  void products(at::Tensor const& delta, GradientSink& sink) const {
    node::add_products(sink, input.flatten(2), delta, window());
    auto const bias = delta.flatten(2).sum(2);
    sink.add_products(at::mm(bias, bias.t()));
  }

  void reduce(at::Tensor const& delta, GradientSink& sink, bool add) const {
    auto const how = node::raised_by(sink);
    auto const& weight = sink.view(layer->weight_);
    auto const total = node::sum_of_powers(input.flatten(2), delta, window(), how);
    auto const bias = delta.flatten(2).sum(2);  // [N, out]
    node::raise(bias, how);
    node::put(weight, total.view(weight.sizes()), add);
    node::put(sink.view(layer->bias_), bias.sum(0), add);
  }
};

ConvTranspose2d::ConvTranspose2d(ParameterArena& arena, std::string const& name, std::int64_t in, std::int64_t out,
                                 std::int64_t kernel, std::int64_t stride, std::int64_t padding, Activation activation)
    : arena_(&arena),
      weight_(arena.add(name + ".weight", {in, out, kernel, kernel})),
      bias_(arena.add(name + ".bias", {out})),
      kernel_(kernel),
      stride_(stride),
      padding_(padding),
      activation_(activation) {}

at::Tensor ConvTranspose2d::forward(at::Tensor const& x) const {
  at::AutoDispatchBelowADInplaceOrView const below;
  auto y = at::convolution(x, arena_->value(weight_), arena_->value(bias_), {stride_, stride_}, {padding_, padding_},
                           {1, 1}, true, {0, 0}, 1);
  if (activation_ == Activation::kRelu) y.relu_();
  if (!at::GradMode::is_enabled()) return y;
  auto next = node::make<ConvTranspose2dNode>();
  next->layer = this;
  next->input = x.detach();
  if (activation_ == Activation::kRelu) next->output = y.detach();
  node::connect(next, x, y);
  return y;
}

void ConvTranspose2d::initialise(at::Generator& generator) const {
  auto const& weight = arena_->value(weight_);
  node::initialise_uniform(weight, {weight, arena_->value(bias_)}, generator);
}

}  // namespace mneme
