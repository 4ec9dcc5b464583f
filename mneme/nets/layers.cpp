#include "mneme/nets/layers.hpp"

#include <torch/autograd.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace mneme {
namespace {

using torch::autograd::Node;
using torch::autograd::variable_list;

/// What the graph holds its nodes by: a shared_ptr up to torch 2.14, an intrusive_ptr since.
using NodeHandle = decltype(torch::autograd::Edge::function);

template <class N>
auto make_node() {
  if constexpr (std::is_same_v<NodeHandle, std::shared_ptr<Node>>)
    return std::make_shared<N>();
  else
    return c10::make_intrusive<N>();
}

/// Hangs `node` behind `output` in the graph, with `input` before it.
void connect(NodeHandle const& node, at::Tensor const& input, at::Tensor& output) {
  node->set_next_edges(torch::autograd::collect_next_edges(input));
  torch::autograd::set_history(output, node);
}

/// Opens both segments of a layer for writing; true if they already hold something that must be added to.
bool claim(GradientSink& sink, int weight, int bias) {
  bool const again = sink.claim(weight);
  sink.claim(bias);
  return again;
}

/// The same for squares, which another use of the layer must not have written to.
void claim_alone(GradientSink& sink, ParameterArena const& arena, int weight, int bias) {
  if (claim(sink, weight, bias)) throw LayerReused{arena.segments()[static_cast<std::size_t>(weight)].name};
}

/// The end of a layer's forward pass: activation, and the node that remembers what backward needs.
template <class N, class Layer>
at::Tensor finish(Layer const& layer, Activation activation, at::Tensor const& x, at::Tensor y) {
  if (activation == Activation::kRelu) y.relu_();
  if (!at::GradMode::is_enabled()) return y;
  auto node = make_node<N>();
  node->layer = &layer;
  node->input = x.detach();
  if (activation == Activation::kRelu) node->output = y.detach();
  connect(node, x, y);
  return y;
}

/// Uniform in +-1/sqrt(inputs of one output), the default of PyTorch's layers.
void initialise_uniform(at::Tensor const& weight, at::Tensor const& bias, at::Generator& generator) {
  at::NoGradGuard const no_grad;
  double const bound = 1.0 / std::sqrt(static_cast<double>(weight.numel() / weight.size(0)));
  for (auto const& tensor : {weight, bias})
    tensor.copy_(at::empty(tensor.sizes(), at::kFloat).uniform_(-bound, bound, generator));
}

void put(at::Tensor const& target, at::Tensor const& value, bool add) {
  if (add)
    target.add_(value);
  else
    target.copy_(value);
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
        sum(claim(sink, layer->weight_, layer->bias_), delta, weight, bias);
        break;
      case Reduction::kSumOfSquares:
        claim_alone(sink, arena, layer->weight_, layer->bias_);
        square(delta.square(), weight, bias);
        break;
      case Reduction::kExpectedSquares:
        if (squares.defined())
          squares.addcmul_(delta, delta);
        else
          squares = delta.square();
        if (sink.last_pass) {
          claim_alone(sink, arena, layer->weight_, layer->bias_);
          square(squares, weight, bias);
        }
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

  void square(at::Tensor const& delta_squared, at::Tensor weight, at::Tensor bias) const {
    at::mm_out(weight, delta_squared.t(), input.square());
    at::sum_out(bias, delta_squared, 0);
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
  initialise_uniform(arena_->value(weight_), arena_->value(bias_), generator);
}

// ---------------------------------------------------------------------------------------------------------- Conv2d

struct Conv2dNode final : Node {
  Conv2d const* layer = nullptr;
  at::Tensor input;      // [N, in, H, W]
  at::Tensor output;     // after the activation; only where the activation needs it
  bool squared = false;  // this node has written its squares, in an earlier pass of the same graph (kExpectedSquares)

  variable_list apply(variable_list&& gradients) override {
    at::AutoDispatchBelowADInplaceOrView const below;
    at::Tensor delta = gradients[0];
    if (!delta.defined()) return {at::Tensor()};
    if (output.defined()) delta = at::threshold_backward(delta, output, 0);
    auto& arena = *layer->arena_;
    auto& sink = arena.sink();
    auto const& weight = sink.view(layer->weight_);
    auto const& bias = sink.view(layer->bias_);
    bool const need_input = should_compute_output(0);
    if (sink.reduction() == Reduction::kSum) {
      bool const add = claim(sink, layer->weight_, layer->bias_);
      auto [d_input, d_weight, d_bias] = backward(delta, {need_input, true, true});
      put(weight, d_weight, add);
      put(bias, d_bias, add);
      return {d_input};
    }
    if (!squared) claim_alone(sink, arena, layer->weight_, layer->bias_);
    square(delta, weight, bias, std::exchange(squared, true));
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

  /// Per-sample weight gradients G [n, out, in k k] by chunks of samples, squared and summed.
  void square(at::Tensor const& delta, at::Tensor const& weight, at::Tensor const& bias, bool add) const {
    auto const& l = *layer;
    auto const flat = delta.flatten(2);  // [N, out, positions]
    auto const per_sample = weight.numel() + l.kernel_ * l.kernel_ * input.size(1) * flat.size(2);
    auto const chunk = std::max<std::int64_t>(1, (std::int64_t{1} << 22) / per_sample);
    auto total = at::zeros({weight.size(0), weight.numel() / weight.size(0)}, weight.options());
    for (std::int64_t first = 0; first < input.size(0); first += chunk) {
      auto const n = std::min(chunk, input.size(0) - first);
      auto const unfolded = at::im2col(input.narrow(0, first, n), {l.kernel_, l.kernel_}, {1, 1},
                                       {l.padding_, l.padding_}, {l.stride_, l.stride_});
      auto const g = at::bmm(flat.narrow(0, first, n), unfolded.transpose(1, 2));
      total.add_(g.square_().sum(0));
    }
    put(weight, total.view(weight.sizes()), add);
    put(bias, flat.sum(2).square_().sum(0), add);
  }
};

Conv2d::Conv2d(ParameterArena& arena, std::string const& name, std::int64_t in, std::int64_t out, std::int64_t kernel,
               std::int64_t stride, std::int64_t padding, Activation activation)
    : arena_(&arena),
      weight_(arena.add(name + ".weight", {out, in, kernel, kernel})),
      bias_(arena.add(name + ".bias", {out})),
      kernel_(kernel),
      stride_(stride),
      padding_(padding),
      activation_(activation) {}

at::Tensor Conv2d::forward(at::Tensor const& x) const {
  at::AutoDispatchBelowADInplaceOrView const below;
  auto y = at::convolution(x, arena_->value(weight_), arena_->value(bias_), {stride_, stride_}, {padding_, padding_},
                           {1, 1}, false, {0, 0}, 1);
  return finish<Conv2dNode>(*this, activation_, x, std::move(y));
}

void Conv2d::initialise(at::Generator& generator) const {
  initialise_uniform(arena_->value(weight_), arena_->value(bias_), generator);
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
  auto node = make_node<CrossEntropyNode>();
  node->log_probabilities = std::move(log_probabilities);
  node->labels = labels;
  node->weight = std::move(weight);
  node->reduction = reduction;
  connect(node, logits, loss);
  return loss;
}

}  // namespace mneme
