// Nets for text: if these fail, padding counts, or a token's vector gets another token's gradient.
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/autograd.h>
#include <torch/types.h>

#include "mneme/core/errors.hpp"
#include "mneme/nets/embedding_bag.hpp"
#include "mneme/nets/transformer.hpp"
#include "mneme/testing/toy.hpp"
#include "tests/core/message_of.hpp"
#include "tests/io/support.hpp"
#include "tests/nets/oracle.hpp"

namespace mneme {
namespace {

at::Tensor tokens(std::vector<std::int64_t> const& ids, std::int64_t rows) {
  return at::tensor(ids, at::kLong).view({rows, -1});
}

TEST(EmbeddingMean, IsTheMeanOfTheTokensByHand) {
  ParameterArena arena;
  EmbeddingMean const layer(arena, "e", 4, 2);
  arena.allocate();
  arena.value().copy_(at::tensor({50.0F, 50.0F, 1.0F, 2.0F, 3.0F, 6.0F, 7.0F, 8.0F}));
  auto const y = layer.forward(tokens({1, 2, 0, 3, 3, 1, 0, 0, 0}, 3));
  // (E1 + E2) / 2, (2 E3 + E1) / 3, nothing.
  EXPECT_LT(relative_error(y.detach(), at::tensor({2.0, 4.0, 5.0, 6.0, 0.0, 0.0}).view({3, 2})), 1e-6);
  arena.begin_gradient();
  y.sum().backward();
  arena.finish_gradient();
  auto const expected = at::tensor({0.0, 0.0, 0.5 + 1.0 / 3, 0.5 + 1.0 / 3, 0.5, 0.5, 2.0 / 3, 2.0 / 3});
  EXPECT_LT(relative_error(arena.grad(), expected), 1e-6);
}

TEST(EmbeddingMean, SquaresAndSecondUsesEqualFloat64) {
  ParameterArena arena;
  EmbeddingMean const layer(arena, "e", 5, 3);
  arena.allocate();
  auto g = at::detail::createCPUGenerator(1);
  layer.initialise(g);
  auto const x = tokens({1, 2, 2, 0, 3, 3, 3, 4, 4, 0, 0, 0}, 3), other = tokens({1, 1, 0, 2, 4, 4}, 2);
  auto const weight = at::randn({3, 3}, g, at::kFloat);
  Oracle const o(arena);
  auto const mean = [&](at::Tensor const& ids) {
    auto const mask = ids.ne(0).to(at::kDouble).unsqueeze(2);
    return (at::embedding(o.named.at("e.weight"), ids) * mask).sum(1) / mask.sum(1);
  };
  arena.begin_gradient();
  ((layer.forward(x) * weight).sum() + layer.forward(other).square().sum()).backward();
  arena.finish_gradient();
  EXPECT_LT(relative_error(arena.grad(), o.gradient((mean(x) * weight).sum() + mean(other).square().sum())), 1e-5);

  GradientSink sink(arena, arena.new_row(), Reduction::kSumOfSquares);
  ParameterArena::Redirect const redirect(arena, sink);
  arena.begin_gradient();
  (layer.forward(x) * weight).sum().backward();
  arena.finish_gradient();
  auto expected = at::zeros({arena.size()}, at::kDouble);
  for (std::int64_t i = 0; i < 3; ++i)
    expected += o.gradient((mean(x.narrow(0, i, 1)) * weight.narrow(0, i, 1)).sum()).square();
  EXPECT_LT(relative_error(sink.row(), expected), 1e-5);
}

std::unique_ptr<Net> make(ParameterArena& arena, std::string const& kind, std::int64_t length,
                          Json const& changes = {}) {
  auto const& row = find_row(net_table(), "net", kind);
  Json options = row.toy;
  options["kind"] = kind;
  if (changes.is_object()) options.update(changes);
  auto net = row.make(arena, {{length}, 4}, options, "net");
  arena.allocate();
  auto g = at::detail::createCPUGenerator(1);
  net->initialise(g);
  return net;
}

TEST(TextNets, PaddingCountsForNothing) {
  at::NoGradGuard const no_grad;
  for (auto const& [kind, changes] : std::vector<std::pair<std::string, Json>>{
           {"embedding-bag", Json()}, {"transformer", Json()}, {"transformer", {{"pooling", "first"}}}}) {
    ParameterArena shorter, longer;
    auto const a = make(shorter, kind, 3, changes), b = make(longer, kind, 6, changes);
    for (std::size_t i = 0; i < shorter.segments().size(); ++i) {
      auto const id = static_cast<int>(i);
      auto const& to = longer.value(id);
      (to.sizes() == shorter.value(id).sizes() ? to : to.narrow(0, 0, 3)).copy_(shorter.value(id));
    }
    auto const expected = a->forward(tokens({5, 2, 7, 1, 1, 0}, 2), {}).logits;
    auto const padded = b->forward(tokens({5, 2, 7, 0, 0, 0, 1, 1, 0, 0, 0, 0}, 2), {}).logits;
    EXPECT_LT(relative_error(padded, expected), 1e-5) << kind << changes;
    EXPECT_TRUE(at::isfinite(b->forward(at::zeros({1, 6}, at::kLong), {}).logits).all().item<bool>());
  }
}

TEST(Transformer, ReadsTheOrderOfTokensAndABagDoesNot) {
  at::NoGradGuard const no_grad;
  for (auto const* kind : {"embedding-bag", "transformer"}) {
    ParameterArena arena;
    auto const net = make(arena, kind, 4);
    arena.value().mul_(3);
    auto const one = net->forward(tokens({1, 2, 3, 4}, 1), {}).logits;
    auto const other = net->forward(tokens({4, 3, 2, 1}, 1), {}).logits;
    EXPECT_EQ(at::allclose(one, other, 1e-5, 1e-6), kind == std::string("embedding-bag")) << kind;
  }
}

/// One layer, one head, in float64 and by other operations.
TEST(Transformer, EqualsItsEquationsInFloat64) {
  for (std::int64_t const heads : {1, 2}) {
    ParameterArena arena;
    auto const net = make(arena, "transformer", 5, {{"width", 4}, {"hidden", 6}, {"layers", 1}, {"heads", heads}});
    {
      at::NoGradGuard const no_grad;
      auto g = at::detail::createCPUGenerator(2);
      arena.value().add_(at::randn({arena.size()}, g, at::kFloat), 0.5);
    }
    auto const ids = tokens({1, 2, 3, 0, 0, 4, 4, 2, 1, 5}, 2);
    arena.begin_gradient();
    auto const logits = net->forward(ids, {}).logits;
    logits.square().sum().backward();
    arena.finish_gradient();
    Oracle const o(arena);
    auto const norm = [&](std::string const& name, at::Tensor const& x) {
      auto const mean = x.mean(1, true), variance = (x - mean).square().mean(1, true);
      return (x - mean) / (variance + 1e-5).sqrt() * o.named.at(name + ".weight") + o.named.at(name + ".bias");
    };
    std::vector<at::Tensor> rows;
    for (std::int64_t n = 0; n < 2; ++n) {
      auto const row = ids[n];
      auto const length = row.ne(0).sum().item<std::int64_t>();  // the padded positions are left out altogether
      auto x = o.named.at("embedding.weight").index_select(0, row.narrow(0, 0, length)) +
               o.named.at("positions.weight").narrow(0, 0, length);
      auto const qkv = o.linear("layer1.attention", norm("layer1.norm1", x)).chunk(3, 1);
      std::vector<at::Tensor> parts;
      auto const width = 4 / heads;
      for (std::int64_t a = 0; a < heads; ++a) {
        auto const of_head = [&](std::size_t i) { return qkv[i].narrow(1, a * width, width); };
        auto const share = at::softmax(at::mm(of_head(0), of_head(1).t()) / std::sqrt(static_cast<double>(width)), 1);
        parts.push_back(at::mm(share, of_head(2)));
      }
      x = x + o.linear("layer1.attention.out", at::cat(parts, 1));
      auto const h = o.linear("layer1.fc1", norm("layer1.norm2", x));
      x = x + o.linear("layer1.fc2", h * 0.5 * (1 + at::erf(h / std::sqrt(2.0))));
      rows.push_back(o.linear("head", norm("norm", x).mean(0)));
    }
    auto const expected = at::stack(rows);
    EXPECT_LT(relative_error(logits.detach(), expected.detach()), 1e-5);
    EXPECT_LT(relative_error(arena.grad(), o.gradient(expected.square().sum())), 1e-4);
  }
}

TEST(TextNets, RefuseWhatTheyCannotRead) {
  for (auto const* kind : {"embedding-bag", "transformer"}) {
    SCOPED_TRACE(kind);
    ParameterArena arena;
    auto const net = make(arena, kind, 3, {{"vocabulary", 6}});
    EXPECT_NO_THROW(net->check(tokens({1, 5, 0}, 1)));
    test::expect_mentions(message_of<DataError>([&] { net->check(tokens({1, 6, 0}, 1)); }), {"6", "vocabulary"});
    EXPECT_THROW(net->check(tokens({1, -1, 0}, 1)), DataError);
    EXPECT_THROW(net->check(at::zeros({1, 3})), DataError);
    ParameterArena other;
    EXPECT_THROW(find_row(net_table(), "net", kind).make(other, {{1, 6, 6}, 4}, Json::object(), "net"), ConfigError);
  }
  ParameterArena arena, third;
  EXPECT_THROW(make(arena, "mlp", 3)->check(tokens({1, 2, 3}, 1)), DataError);
  EXPECT_THROW(make(third, "transformer", 3, {{"width", 6}, {"heads", 4}}), ConfigError);
}

}  // namespace
}  // namespace mneme
