#include "mneme/nets/transformer.hpp"

#include <torch/types.h>

#include <cmath>

#include "mneme/core/errors.hpp"
#include "mneme/nets/embedding_bag.hpp"

namespace mneme {

void TransformerOptions::describe(OptionVisitor& v) {
  v.field("vocabulary", vocabulary, {.help = "token ids that the net knows, padding (0) included", .min = 2});
  v.field("width", width, {.help = "numbers at each position", .min = 1});
  v.field("layers", layers, {.help = "layers of attention and a perceptron", .min = 1});
  v.field("heads", heads, {.help = "attention heads; they divide `width`", .min = 1});
  v.field("hidden", hidden, {.help = "width of the perceptron's hidden layer", .unit = "units", .min = 1});
  v.field("pooling", pooling,
          {.help = "features: the mean over all tokens, or the first position", .choices = {"mean", "first"}});
  output.describe(v);
}

Transformer::Pair Transformer::add_linear(std::string const& name, std::int64_t in, std::int64_t out) {
  return {arena_.add(name + ".weight", {out, in}), arena_.add(name + ".bias", {out})};
}

Transformer::Pair Transformer::add_norm(std::string const& name) {
  return {arena_.add(name + ".weight", {options_.width}), arena_.add(name + ".bias", {options_.width})};
}

Transformer::Transformer(ParameterArena& arena, std::int64_t length, TransformerOptions const& options,
                         std::int64_t outputs)
    : arena_(arena),
      options_(options),
      tokens_(arena.add("embedding.weight", {options.vocabulary, options.width})),
      positions_(arena.add("positions.weight", {length, options.width})),
      layers_(make_layers()),
      last_norm_(add_norm("norm")),
      head_(arena, "head", options.width, outputs, options.output) {}

std::vector<Transformer::Layer> Transformer::make_layers() {
  auto const& o = options_;
  if (o.width % o.heads != 0)
    throw ConfigError("transformer: width " + std::to_string(o.width) + " does not divide into " +
                      std::to_string(o.heads) + " heads; choose `heads` among the divisors of `width`");
  std::vector<Layer> layers;
  for (std::int64_t i = 1; i <= o.layers; ++i) {
    auto const name = "layer" + std::to_string(i);
    layers.push_back({.norm1 = add_norm(name + ".norm1"),
                      .project = add_linear(name + ".attention", o.width, 3 * o.width),
                      .out = add_linear(name + ".attention.out", o.width, o.width),
                      .norm2 = add_norm(name + ".norm2"),
                      .fc1 = add_linear(name + ".fc1", o.width, o.hidden),
                      .fc2 = add_linear(name + ".fc2", o.hidden, o.width)});
  }
  return layers;
}

void Transformer::check(at::Tensor const& data) const { check_tokens(data, options_.vocabulary); }

at::Tensor Transformer::linear(Pair const& map, at::Tensor const& x) {
  return at::linear(x, arena_.leaf(map.weight), arena_.leaf(map.bias));
}

at::Tensor Transformer::norm(Pair const& norm, at::Tensor const& x) {
  return at::layer_norm(x, {options_.width}, arena_.leaf(norm.weight), arena_.leaf(norm.bias), 1e-5);
}

at::Tensor Transformer::attention(Layer const& layer, at::Tensor const& x, at::Tensor const& padding) {
  auto const n = x.size(0), length = x.size(1), width = options_.width / options_.heads;
  // [N, L, 3 width] -> q, k, v [N, heads, L, width / heads]
  auto const parts = linear(layer.project, x).view({n, length, 3, options_.heads, width}).permute({2, 0, 3, 1, 4});
  auto const scores = at::matmul(parts[0], parts[1].transpose(2, 3)) / std::sqrt(static_cast<double>(width));
  constexpr float kNever = -1e9F;  // not minus infinity: a row of padding alone must not become NaN
  auto const share = at::softmax(scores.masked_fill(padding, kNever), 3);
  return linear(layer.out, at::matmul(share, parts[2]).transpose(1, 2).reshape({n, length, options_.width}));
}

Output Transformer::forward(at::Tensor const& tokens, ForwardContext const&) {
  auto const padding = tokens.eq(0).unsqueeze(1).unsqueeze(1);  // [N, 1, 1, L]
  auto x = at::embedding(arena_.leaf(tokens_), tokens) + arena_.leaf(positions_);
  for (auto const& layer : layers_) {
    x = x + attention(layer, norm(layer.norm1, x), padding);
    x = x + linear(layer.fc2, at::gelu(linear(layer.fc1, norm(layer.norm2, x))));
  }
  x = norm(last_norm_, x);
  if (options_.pooling == "first") return head_.forward(x.select(1, 0));
  return head_.forward(at::matmul(token_shares(tokens).unsqueeze(1), x).squeeze(1));
}

void Transformer::initialise(at::Generator& generator) {
  at::NoGradGuard const no_grad;
  auto const normal = [&](int id) {
    auto const& weight = arena_.value(id);
    weight.copy_(at::empty(weight.sizes(), at::kFloat).normal_(0, 0.02, generator));
  };
  auto const map = [&](Pair const& pair) {
    normal(pair.weight);
    arena_.value(pair.bias).zero_();
  };
  auto const unit = [&](Pair const& pair) {
    arena_.value(pair.weight).fill_(1);
    arena_.value(pair.bias).zero_();
  };
  normal(tokens_);
  normal(positions_);
  for (auto const& layer : layers_) {
    for (auto const* pair : {&layer.project, &layer.out, &layer.fc1, &layer.fc2}) map(*pair);
    for (auto const* pair : {&layer.norm1, &layer.norm2}) unit(*pair);
  }
  unit(last_norm_);
  head_.initialise(generator);
}

}  // namespace mneme
