#include "mneme/nets/embedding_bag.hpp"

#include <torch/types.h>

#include <algorithm>
#include <utility>

#include "mneme/core/errors.hpp"
#include "mneme/nets/node.hpp"

namespace mneme {
namespace {

constexpr std::int64_t kPadding = 0;

}  // namespace

void check_tokens(at::Tensor const& data, std::int64_t vocabulary) {
  if (data.scalar_type() != at::kLong || data.dim() != 2)
    throw DataError("this net reads rows of token ids, and the samples are numbers; use another net, such as \"mlp\"");
  if (data.numel() == 0) return;
  auto const [low, high] = at::aminmax(data);
  if (low.item<std::int64_t>() >= 0 && high.item<std::int64_t>() < vocabulary) return;
  throw DataError("token ids go from " + std::to_string(low.item<std::int64_t>()) + " to " +
                  std::to_string(high.item<std::int64_t>()) + ", but the net knows 0 to " +
                  std::to_string(vocabulary - 1) + "; set the net's `vocabulary` to the data's");
}

at::Tensor token_shares(at::Tensor const& tokens) {
  auto const is_token = tokens.ne(kPadding).to(at::kFloat);
  return is_token / is_token.sum(1, true).clamp_min_(1);
}

// -------------------------------------------------------------------------------------------------- embedding layer

struct EmbeddingMeanNode final : node::Node {
  EmbeddingMean const* layer = nullptr;
  at::Tensor tokens, shares;  // [N, L]
  bool squared = false;  // this node has written its squares, in an earlier pass of the same graph (kExpectedSquares)

  node::variable_list apply(node::variable_list&& gradients) override {
    at::AutoDispatchBelowADInplaceOrView const below;
    auto const& delta = gradients[0];
    if (!delta.defined()) return {at::Tensor()};
    auto& sink = layer->arena_->sink();
    auto const& weight = sink.view(layer->weight_);
    if (sink.reduction() == Reduction::kSum) {
      auto const each = shares.unsqueeze(2) * delta.unsqueeze(1);  // [N, L, width]
      node::put(weight, at::embedding_dense_backward(each, tokens, weight.size(0), kPadding, false),
                node::claim(sink, {layer->weight_}));
    } else {
      node::need_squares(sink, *layer->arena_, layer->weight_);
      if (!squared) node::claim_alone(sink, *layer->arena_, {layer->weight_});
      square(delta.square(), weight, std::exchange(squared, true));
    }
    return {at::Tensor()};
  }

  /// A sample's gradient of E_v is its share of v times delta: their squares are one product, by chunks of samples.
  void square(at::Tensor const& delta_squared, at::Tensor const& weight, bool add) const {
    if (!add) weight.zero_();
    auto const chunk = std::max<std::int64_t>(1, (std::int64_t{1} << 22) / weight.size(0));
    for (std::int64_t first = 0; first < tokens.size(0); first += chunk) {
      auto const n = std::min(chunk, tokens.size(0) - first);
      auto share = at::zeros({n, weight.size(0)}, weight.options());
      share.scatter_add_(1, tokens.narrow(0, first, n), shares.narrow(0, first, n));
      weight.add_(at::mm(share.square_().t(), delta_squared.narrow(0, first, n)));
    }
  }
};

EmbeddingMean::EmbeddingMean(ParameterArena& arena, std::string const& name, std::int64_t vocabulary,
                             std::int64_t width)
    : arena_(&arena), weight_(arena.add(name + ".weight", {vocabulary, width})) {}

at::Tensor EmbeddingMean::forward(at::Tensor const& tokens) const {
  at::AutoDispatchBelowADInplaceOrView const below;
  auto shares = token_shares(tokens);
  auto y = at::bmm(shares.unsqueeze(1), at::embedding(arena_->value(weight_), tokens)).squeeze(1);
  if (!at::GradMode::is_enabled()) return y;
  auto next = node::make<EmbeddingMeanNode>();
  next->layer = this;
  next->tokens = tokens;
  next->shares = std::move(shares);
  node::connect(next, tokens, y);
  return y;
}

void EmbeddingMean::initialise(at::Generator& generator) const {
  at::NoGradGuard const no_grad;
  auto const& weight = arena_->value(weight_);
  weight.copy_(at::empty(weight.sizes(), at::kFloat).normal_(0, 1, generator));
}

// ---------------------------------------------------------------------------------------------------------- the net

void EmbeddingBagOptions::describe(OptionVisitor& v) {
  v.field("vocabulary", vocabulary, {.help = "token ids that the net knows, padding (0) included", .min = 2});
  v.field("width", width, {.help = "numbers in a token's vector", .min = 1});
  v.field("hidden", hidden, {.help = "width of each hidden layer behind the mean", .unit = "units", .min = 1});
  output.describe(v);
}

EmbeddingBag::EmbeddingBag(ParameterArena& arena, EmbeddingBagOptions const& options, std::int64_t outputs)
    : vocabulary_(options.vocabulary),
      embedding_(arena, "embedding", options.vocabulary, options.width),
      rest_(arena, options.width, options.hidden, outputs, "", options.output) {}

Output EmbeddingBag::forward(at::Tensor const& tokens, ForwardContext const& context) {
  return rest_.forward(embedding_.forward(tokens), context);
}

void EmbeddingBag::initialise(at::Generator& generator) {
  embedding_.initialise(generator);
  rest_.initialise(generator);
}

}  // namespace mneme
