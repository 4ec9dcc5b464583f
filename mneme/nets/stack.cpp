#include "mneme/nets/stack.hpp"

#include <torch/types.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "mneme/nets/max_pool.hpp"
#include "mneme/nets/node.hpp"

namespace mneme {
namespace {

constexpr double kLeak = 0.2, kMomentum = 0.1, kEpsilon = 1e-5;

at::Tensor activated(at::Tensor const& x, Stack::Act act) {
  switch (act) {
    case Stack::Act::kNone:
      return x;
    case Stack::Act::kRelu:
      return at::relu(x);
    case Stack::Act::kLeaky:
      return at::leaky_relu(x, kLeak);
    case Stack::Act::kSigmoid:
      return at::sigmoid(x);
  }
  return x;
}

/// The derivative of an activation by what came out of it; undefined for kNone.
at::Tensor slope(at::Tensor const& y, Stack::Act act) {
  if (act == Stack::Act::kNone) return {};
  TORCH_CHECK(act != Stack::Act::kSigmoid, "Stack: slopes are of piecewise linear activations");
  auto const positive = y.detach().gt(0).to(y.scalar_type());
  return act == Stack::Act::kRelu ? positive : positive.mul_(1 - kLeak).add_(kLeak);
}

}  // namespace

Stack& Stack::add(Kind kind, std::string const& label, Shape weight, std::int64_t out, std::int64_t stride,
                  std::int64_t padding, Options options) {
  auto const number = std::to_string(layers_.size() + 1);
  auto const own = name_ + "." + label + number;
  Layer layer{.kind = kind, .stride = stride, .padding = padding, .act = options.act};
  layer.weight = arena_->add(own + ".weight", std::move(weight));
  if (options.norm != Norm::kNone) {
    auto const norm = name_ + ".norm" + number;
    layer.scale = arena_->add(norm + ".weight", {out});
    layer.shift = arena_->add(norm + ".bias", {out});
    if (options.norm == Norm::kBatch) {
      layer.mean = arena_->add_buffer(norm + ".mean", {out});
      layer.variance = arena_->add_buffer(norm + ".variance", {out});
    }
  } else {
    layer.bias = arena_->add(own + ".bias", {out});
  }
  layers_.push_back(std::move(layer));
  return *this;
}

Stack& Stack::linear(std::int64_t in, std::int64_t out, Options options) {
  return add(Kind::kLinear, "fc", {out, in}, out, 1, 0, options);
}

Stack& Stack::conv(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride, std::int64_t padding,
                   Options options) {
  return add(Kind::kConv, "conv", {out, in, kernel, kernel}, out, stride, padding, options);
}

Stack& Stack::transposed(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride,
                         std::int64_t padding, Options options) {
  return add(Kind::kTransposed, "conv", {in, out, kernel, kernel}, out, stride, padding, options);
}

Stack& Stack::pool() {
  layers_.push_back({.kind = Kind::kPool});
  return *this;
}

Stack& Stack::maps(std::int64_t channels, std::int64_t height, std::int64_t width) {
  layers_.push_back({.kind = Kind::kMaps, .shape = {-1, channels, height, width}});
  return *this;
}

Stack& Stack::dropout(double share) {
  layers_.push_back({.kind = Kind::kDropout, .share = share});
  return *this;
}

void Stack::initialise(at::Generator& generator) const {
  at::NoGradGuard const no_grad;
  for (auto const& layer : layers_) {
    if (layer.weight < 0) continue;
    auto const& weight = arena_->value(layer.weight);
    node::initialise_uniform(weight, {weight}, generator);
    if (layer.bias >= 0) node::initialise_uniform(weight, {arena_->value(layer.bias)}, generator);
    if (layer.scale < 0) continue;
    arena_->value(layer.scale).fill_(1);
    arena_->value(layer.shift).zero_();
    if (layer.mean < 0) continue;
    arena_->buffer(layer.mean).zero_();
    arena_->buffer(layer.variance).fill_(1);
  }
}

at::Tensor Stack::parameter(int segment, Pass const& pass) const {
  return pass.trained && at::GradMode::is_enabled() ? arena_->leaf(segment) : arena_->value(segment);
}

at::Tensor Stack::apply(Layer const& layer, at::Tensor const& x, Pass const& pass, bool bias) const {
  auto const w = parameter(layer.weight, pass);
  auto const b = bias && layer.bias >= 0 ? std::optional(parameter(layer.bias, pass)) : std::nullopt;
  if (layer.kind == Kind::kLinear) return at::linear(x.dim() > 2 ? x.flatten(1) : x, w, b);
  bool const transposed = layer.kind == Kind::kTransposed;
  auto const more = transposed ? layer.stride + 2 * layer.padding - w.size(2) : 0;  // sides become stride times as long
  return at::convolution(x, w, b, {layer.stride, layer.stride}, {layer.padding, layer.padding}, {1, 1}, transposed,
                         {more, more}, 1);
}

at::Tensor Stack::normalised(Layer const& layer, at::Tensor const& x, Pass const& pass) const {
  auto const scale = parameter(layer.scale, pass), shift = parameter(layer.shift, pass);
  if (layer.mean < 0) return at::group_norm(x, 1, scale, shift, kEpsilon, false);
  auto const running = [&](int index) {
    return pass.norm == Pass::Norm::kBatch ? at::Tensor() : arena_->buffer(index);
  };
  return at::batch_norm(x, scale, shift, running(layer.mean), running(layer.variance),
                        pass.norm != Pass::Norm::kRunning, kMomentum, kEpsilon, false);
}

at::Tensor Stack::forward(at::Tensor const& x, Pass const& pass, std::vector<at::Tensor>* slopes) const {
  auto h = x;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    auto const& layer = layers_[i];
    switch (layer.kind) {
      case Kind::kPool:
        h = max_pool_2x2(h);
        break;
      case Kind::kMaps:
        h = h.view(layer.shape);
        break;
      case Kind::kDropout: {
        if (pass.noise == nullptr || layer.share == 0) break;
        auto const kept = at::empty(h.sizes(), at::kFloat).bernoulli_(1 - layer.share, *pass.noise);
        h = h * kept.mul_(1 / (1 - layer.share)).to(h.device());
        break;
      }
      default:
        h = apply(layer, h, pass, true);
        if (layer.scale >= 0) h = normalised(layer, h, pass);
        // Activations never fall, so the largest of what they give is what they give the largest: on a quarter of the
        // values, to the same bits.
        if (i + 1 < layers_.size() && layers_[i + 1].kind == Kind::kPool) h = max_pool_2x2(h), ++i;
        h = activated(h, layer.act);
        if (slopes != nullptr) slopes->push_back(slope(h, layer.act));
    }
  }
  return h;
}

bool Stack::normalises() const {
  return std::any_of(layers_.begin(), layers_.end(), [](Layer const& layer) { return layer.scale >= 0; });
}

at::Tensor Stack::tangent(at::Tensor const& v, std::vector<at::Tensor> const& slopes, Pass const& pass) const {
  auto t = v;
  std::size_t i = 0;
  for (auto const& layer : layers_) {
    TORCH_CHECK(layer.weight >= 0 && layer.scale < 0, "Stack::tangent: only products and convolutions");
    t = apply(layer, t, pass, false);
    if (auto const& s = slopes.at(i++); s.defined()) t = t * s;
  }
  return t;
}

}  // namespace mneme
