#include "mneme/nets/layers.hpp"

#include <torch/types.h>

#include <optional>
#include <utility>

#include "mneme/nets/node.hpp"
#include "mneme/nets/per_sample.hpp"

namespace mneme {

using node::claim;
using node::claim_alone;
using node::Node;
using node::put;
using node::variable_list;

namespace {

/// The end of a layer's forward pass: activation, and the node that remembers what backward needs.
template <class N, class Layer>
at::Tensor finish(Layer const& layer, Activation activation, at::Tensor const& x, at::Tensor y) {
  if (activation == Activation::kRelu) y.relu_();
  if (!at::GradMode::is_enabled()) return y;
  auto next = node::make<N>();
  next->layer = &layer;
  next->input = x.detach();
  if (activation == Activation::kRelu) next->output = y.detach();
  node::connect(next, x, y);
  return y;
}

}  // namespace

// ---------------------------------------------------------------------------------------------------------- Linear

struct LinearNode final : Node {
  Linear const* layer = nullptr;
  at::Tensor input;    // [N, in]
  at::Tensor output;   // [N, out] after the activation; only where the activation needs it
  at::Tensor squares;  // [N, out] delta^2 summed over passes (kExpectedSquares)

  variable_list apply(variable_list&& gradients) override {
    at::AutoDispatchBelowADInplaceOrView const below;
    at::Tensor delta = gradients[0];
    if (!delta.defined()) return {at::Tensor()};
    if (output.defined()) delta = at::threshold_backward(delta, output, 0);
    auto& arena = *layer->arena_;
    auto& sink = arena.sink();
    auto const& weight = sink.view(layer->weight_);
    auto const& bias = sink.view(layer->bias_);
    switch (sink.reduction()) {
      case Reduction::kSum:
        sum(claim(sink, {layer->weight_, layer->bias_}), delta, weight, bias);
        break;
      case Reduction::kSumOfSquares:
        claim_alone(sink, arena, {layer->weight_, layer->bias_});
        product(delta.square(), input.square(), weight, bias);
        break;
      case Reduction::kSumOfAbsolutes:
        claim_alone(sink, arena, {layer->weight_, layer->bias_});
        product(delta.abs(), input.abs(), weight, bias);
        break;
      case Reduction::kExpectedSquares:
        if (squares.defined())
          squares.addcmul_(delta, delta);
        else
          squares = delta.square();
        if (sink.last_pass) {
          claim_alone(sink, arena, {layer->weight_, layer->bias_});
          product(squares, input.square(), weight, bias);
        }
        break;
      case Reduction::kProducts:  // <d_n a_n', d_m a_m'> = <d_n, d_m> <a_n, a_m>, and <d_n, d_m> for the bias
        claim_alone(sink, arena, {layer->weight_, layer->bias_});
        sink.add_products(at::mm(input, input.t()).add_(1).mul_(at::mm(delta, delta.t())));
        break;
    }
    return {should_compute_output(0) ? at::mm(delta, arena.value(layer->weight_)) : at::Tensor()};
  }

  void sum(bool add, at::Tensor const& delta, at::Tensor weight, at::Tensor bias) const {
    if (add) {
      at::addmm_out(weight, weight, delta.t(), input);
      bias.add_(delta.sum(0));
    } else {
      at::mm_out(weight, delta.t(), input);
      at::sum_out(bias, delta, 0);
    }
  }

  /// A sample's weight gradient is an outer product, so its squares and absolute values are those of the factors.
  static void product(at::Tensor const& delta, at::Tensor const& in, at::Tensor weight, at::Tensor bias) {
    at::mm_out(weight, delta.t(), in);
    at::sum_out(bias, delta, 0);
  }
};

Linear::Linear(ParameterArena& arena, std::string const& name, std::int64_t in, std::int64_t out, Activation activation)
    : arena_(&arena),
      weight_(arena.add(name + ".weight", {out, in})),
      bias_(arena.add(name + ".bias", {out})),
      activation_(activation) {}

Linear::Linear(ParameterArena& arena, std::string const& name, Activation activation)
    : arena_(&arena),
      weight_(arena.find(name + ".weight")),
      bias_(arena.find(name + ".bias")),
      activation_(activation) {}
at::Tensor Linear::forward(at::Tensor const& x) const {
  at::AutoDispatchBelowADInplaceOrView const below;
  auto y = at::addmm(arena_->value(bias_), x, arena_->value(weight_).t());
  return finish<LinearNode>(*this, activation_, x, std::move(y));
}

void Linear::initialise(at::Generator& generator) const {
  auto const& weight = arena_->value(weight_);
  node::initialise_uniform(weight, {weight, arena_->value(bias_)}, generator);
}

// ---------------------------------------------------------------------------------------------------------- Conv2d

struct Conv2dNode final : Node {
  Conv2d const* layer = nullptr;
  at::Tensor input;      // [N, in, H, W]
  at::Tensor output;     // after the activation; only where the activation needs it
  bool written = false;  // this node has written, in an earlier pass of the same graph (kExpectedSquares)

  variable_list apply(variable_list&& gradients) override {
    at::AutoDispatchBelowADInplaceOrView const below;
    at::Tensor delta = gradients[0];
    if (!delta.defined()) return {at::Tensor()};
    if (output.defined()) delta = at::threshold_backward(delta, output, 0);
    auto& arena = *layer->arena_;
    auto& sink = arena.sink();
    auto const& weight = sink.view(layer->weight_);
    bool const has_bias = layer->bias_ >= 0;
    auto const bias = has_bias ? sink.view(layer->bias_) : at::Tensor();
    bool const need_input = should_compute_output(0);
    if (sink.reduction() == Reduction::kSum) {
      bool const add = claim(sink, {layer->weight_});
      if (has_bias) sink.claim(layer->bias_);
      auto [d_input, d_weight, d_bias] = backward(delta, {need_input, true, has_bias});
      put(weight, d_weight, add);
      if (has_bias) put(bias, d_bias, add);
      return {d_input};
    }
    if (!written) {
      claim_alone(sink, arena, {layer->weight_});
      if (has_bias) sink.claim(layer->bias_);
    }
    bool const add = std::exchange(written, true);
    if (sink.reduction() == Reduction::kProducts)
      products(delta, sink);
    else
      reduce(delta, weight, bias, add);
    if (!need_input) return {at::Tensor()};
    return {std::get<0>(backward(delta, {true, false, false}))};
  }

  [[nodiscard]] std::tuple<at::Tensor, at::Tensor, at::Tensor> backward(at::Tensor const& delta,
                                                                        std::array<bool, 3> mask) const {
    auto const& l = *layer;
    auto const& w = l.arena_->value(l.weight_);
    return at::convolution_backward(delta, input, w, c10::IntArrayRef{w.size(0)}, {l.stride_, l.stride_},
                                    {l.padding_, l.padding_}, {1, 1}, false, {0, 0}, 1, mask);
  }

  [[nodiscard]] node::Window window() const { return {layer->kernel_, layer->stride_, layer->padding_}; }

  void products(at::Tensor const& delta, GradientSink& sink) const {
    auto const flat = delta.flatten(2);  // [N, out, positions]
    node::add_products(sink, flat, input, window());
    if (layer->bias_ < 0) return;
    auto const bias = flat.sum(2);
    sink.add_products(at::mm(bias, bias.t()));
  }

  void reduce(at::Tensor const& delta, at::Tensor const& weight, at::Tensor const& bias, bool add) const {
    auto const how = node::raised_by(layer->arena_->sink());
    auto const flat = delta.flatten(2);
    auto const total = node::sum_of_powers(flat, input, window(), how);
    auto const bias_gradients = flat.sum(2);  // [N, out]
    node::raise(bias_gradients, how);
    put(weight, total.view(weight.sizes()), add);
    if (bias.defined()) put(bias, bias_gradients.sum(0), add);
  }
};

Conv2d::Conv2d(ParameterArena& arena, std::string const& name, std::int64_t in, std::int64_t out, std::int64_t kernel,
               std::int64_t stride, std::int64_t padding, Activation activation, bool bias)
    : arena_(&arena),
      weight_(arena.add(name + ".weight", {out, in, kernel, kernel})),
      bias_(bias ? arena.add(name + ".bias", {out}) : -1),
      kernel_(kernel),
      stride_(stride),
      padding_(padding),
      activation_(activation) {}

at::Tensor Conv2d::forward(at::Tensor const& x) const {
  at::AutoDispatchBelowADInplaceOrView const below;
  auto const bias = bias_ >= 0 ? std::optional(arena_->value(bias_)) : std::nullopt;
  auto y = at::convolution(x, arena_->value(weight_), bias, {stride_, stride_}, {padding_, padding_}, {1, 1}, false,
                           {0, 0}, 1);
  return finish<Conv2dNode>(*this, activation_, x, std::move(y));
}

void Conv2d::initialise(at::Generator& generator) const {
  auto const& weight = arena_->value(weight_);
  node::initialise_uniform(weight, {weight}, generator);
  if (bias_ >= 0) node::initialise_uniform(weight, {arena_->value(bias_)}, generator);
}

// --------------------------------------------------------------------------------------------------- cross entropy

struct CrossEntropyNode final : Node {
  at::Tensor log_probabilities, labels, weight;  // [N, C], [N], what the mean is over
  at::Reduction::Reduction reduction = at::Reduction::Mean;

  variable_list apply(variable_list&& gradients) override {
    at::AutoDispatchBelowADInplaceOrView const below;
    if (!gradients[0].defined()) return {at::Tensor()};
    auto const delta = at::nll_loss_backward(gradients[0], log_probabilities, labels, {}, reduction, kNoLabel, weight);
    return {at::_log_softmax_backward_data(delta, log_probabilities, 1, log_probabilities.scalar_type())};
  }

  static constexpr std::int64_t kNoLabel = -100;  // torch's own: a label that counts for nothing
};

at::Tensor cross_entropy(at::Tensor const& logits, at::Tensor const& labels, bool mean) {
  at::AutoDispatchBelowADInplaceOrView const below;
  auto const reduction = mean ? at::Reduction::Mean : at::Reduction::Sum;
  auto log_probabilities = at::log_softmax(logits, 1);
  auto [loss, weight] = at::nll_loss_forward(log_probabilities, labels, {}, reduction, CrossEntropyNode::kNoLabel);
  if (!at::GradMode::is_enabled() || !logits.requires_grad()) return loss;
  auto next = node::make<CrossEntropyNode>();
  next->log_probabilities = std::move(log_probabilities);
  next->labels = labels;
  next->weight = std::move(weight);
  next->reduction = reduction;
  node::connect(next, logits, loss);
  return loss;
}

}  // namespace mneme
