#include "mneme/nets/head.hpp"

#include <torch/types.h>

#include <utility>

#include "mneme/nets/node.hpp"

namespace mneme {

using node::variable_list;

namespace {

/// 1 / |row| [N, 1]; 0 for a row of zeros.
at::Tensor inverse_norm(at::Tensor const& rows) {
  auto const norm = rows.norm(2, {1}, true);
  return norm.reciprocal().masked_fill_(norm.eq(0), 0);
}

}  // namespace

// ---------------------------------------------------------------------------------------------------------- Cosine

struct CosineNode final : node::Node {
  Cosine const* layer = nullptr;
  at::Tensor x, inverse_x;  // directions [N, in], 1 / norms [N, 1]
  at::Tensor w, inverse_w;  // [out, in], [out, 1]
  at::Tensor cosines;       // [N, out]
  at::Tensor squares;       // [N, out] delta^2 summed over passes (kExpectedSquares)

  variable_list apply(variable_list&& gradients) override {
    at::AutoDispatchBelowADInplaceOrView const below;
    auto const& delta = gradients[0];
    if (!delta.defined()) return {at::Tensor()};
    auto& arena = *layer->arena_;
    auto& sink = arena.sink();
    auto const& weight = sink.view(layer->weight_);
    auto const weighted = delta * cosines;
    switch (sink.reduction()) {
      case Reduction::kSum: {
        bool const add = node::claim(sink, {layer->weight_});
        node::put(weight, (at::mm(delta.t(), x) - weighted.sum(0).unsqueeze(1) * w).mul_(inverse_w), add);
        break;
      }
      case Reduction::kSumOfSquares:
        node::claim_alone(sink, arena, {layer->weight_});
        square(delta.square(), weight);
        break;
      case Reduction::kExpectedSquares:
        squares = squares.defined() ? squares.addcmul_(delta, delta) : delta.square();
        if (sink.last_pass) {
          node::claim_alone(sink, arena, {layer->weight_});
          square(squares, weight);
        }
        break;
      default:
        node::need_squares(sink, arena, layer->weight_);
    }
    if (!should_compute_output(0)) return {at::Tensor()};
    return {(at::mm(delta, w) - x * weighted.sum(1, true)).mul_(inverse_x)};
  }

  /// sum_n delta_nc^2 (x_n - cos_nc w_c)^2 / |w_c|^2 by expanding the square: three products instead of [N, out, in].
  void square(at::Tensor const& delta_squared, at::Tensor const& weight) const {
    auto const weighted = delta_squared * cosines;
    auto const total = at::mm(delta_squared.t(), x.square())
                           .sub_(at::mm(weighted.t(), x).mul_(w), 2)
                           .add_((weighted * cosines).sum(0).unsqueeze(1) * w.square());
    weight.copy_(total.mul_(inverse_w.square()).clamp_min_(0));
  }
};

Cosine::Cosine(ParameterArena& arena, std::string const& name, std::int64_t in, std::int64_t out)
    : arena_(&arena), weight_(arena.add(name + ".weight", {out, in})) {}

at::Tensor Cosine::forward(at::Tensor const& x) const {
  at::AutoDispatchBelowADInplaceOrView const below;
  auto const& weight = arena_->value(weight_);
  auto inverse_x = inverse_norm(x), inverse_w = inverse_norm(weight);
  auto direction = x * inverse_x, rows = weight * inverse_w;
  auto cosines = at::mm(direction, rows.t());
  if (!at::GradMode::is_enabled()) return cosines;
  auto next = node::make<CosineNode>();
  next->layer = this;
  next->x = std::move(direction);
  next->inverse_x = std::move(inverse_x);
  next->w = std::move(rows);
  next->inverse_w = std::move(inverse_w);
  next->cosines = cosines.detach();
  node::connect(next, x, cosines);
  return cosines;
}

void Cosine::initialise(at::Generator& generator) const {
  auto const& weight = arena_->value(weight_);
  node::initialise_uniform(weight, {weight}, generator);
}

// ----------------------------------------------------------------------------------------------------------- Scale

struct ScaleNode final : node::Node {
  Scale const* layer = nullptr;
  at::Tensor input;      // [N, C]
  bool squared = false;  // this node has written its squares, in an earlier pass of the same graph (kExpectedSquares)

  variable_list apply(variable_list&& gradients) override {
    at::AutoDispatchBelowADInplaceOrView const below;
    auto const& delta = gradients[0];
    if (!delta.defined()) return {at::Tensor()};
    auto& arena = *layer->arena_;
    auto& sink = arena.sink();
    auto const& scale = sink.view(layer->scale_);
    auto const each = (delta * input).sum(1);
    if (sink.reduction() == Reduction::kSum) {
      node::put(scale, each.sum(), node::claim(sink, {layer->scale_}));
    } else {
      node::need_squares(sink, arena, layer->scale_);
      if (!squared) node::claim_alone(sink, arena, {layer->scale_});
      node::put(scale, each.square().sum(), std::exchange(squared, true));
    }
    return {should_compute_output(0) ? delta * arena.value(layer->scale_) : at::Tensor()};
  }
};

Scale::Scale(ParameterArena& arena, std::string const& name, double initial)
    : arena_(&arena), scale_(arena.add(name, {1})), initial_(initial) {}

at::Tensor Scale::forward(at::Tensor const& x) const {
  at::AutoDispatchBelowADInplaceOrView const below;
  auto y = x * arena_->value(scale_);
  if (!at::GradMode::is_enabled()) return y;
  auto next = node::make<ScaleNode>();
  next->layer = this;
  next->input = x.detach();
  node::connect(next, x, y);
  return y;
}

void Scale::initialise() const {
  at::NoGradGuard const no_grad;
  arena_->value(scale_).fill_(initial_);
}

// ---------------------------------------------------------------------------------------------------- output layer

void OutputOptions::describe(OptionVisitor& v) {
  v.field("output", output,
          {.help = "scores: linear, or the cosine of features and a class's weights times one learned number",
           .choices = {"linear", "cosine"},
           .source = "cosine: Hou et al. 2019, eq. 3"});
  v.field(
      "scale", scale,
      {.help = "of cosines: that number at the start. The authors' SGD moves it far within an epoch, Adam does not: "
               "take 10 or more",
       .above = 0,
       .source = "Hou et al. 2019, authors' code: 1"});
}

OutputLayer::OutputLayer(ParameterArena& arena, std::string const& name, std::int64_t in, std::int64_t out,
                         OutputOptions const& options)
    : layer_(make(arena, name, in, out, options)) {}

OutputLayer::Layer OutputLayer::make(ParameterArena& arena, std::string const& name, std::int64_t in, std::int64_t out,
                                     OutputOptions const& options) {
  if (options.output == "cosine") return CosineHead{{arena, name, in, out}, {arena, name + ".scale", options.scale}};
  return Linear(arena, name, in, out);
}

Output OutputLayer::forward(at::Tensor const& features) const {
  if (auto const* linear = std::get_if<Linear>(&layer_))
    return {.logits = linear->forward(features), .features = features, .more = {}};
  auto const& head = std::get<CosineHead>(layer_);
  auto const cosines = head.cosine.forward(features);
  return {.logits = head.scale.forward(cosines), .features = features, .more = {{"cosines", cosines}}};
}

void OutputLayer::initialise(at::Generator& generator) const {
  if (auto const* linear = std::get_if<Linear>(&layer_)) return linear->initialise(generator);
  auto const& head = std::get<CosineHead>(layer_);
  head.cosine.initialise(generator);
  head.scale.initialise();
}

}  // namespace mneme
