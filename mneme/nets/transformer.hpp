// A small transformer encoder for text (Vaswani et al. 2017, arXiv:1706.03762), with the normalisation before each part
// (Xiong et al. 2020, arXiv:2002.04745) and learned positions:
//
//   x_i = E[token_i] + P[i]
//   in every layer   x = x + attention(norm(x)),   x = x + W_2 gelu(W_1 norm(x) + b_1) + b_2
//   attention of head a: softmax(q_a k_a' / sqrt(width / heads)) v_a over the sample's tokens; no dropout
//   h = mean over the tokens, or the first position, of norm(x); then the output layer
//
// Samples are rows of token ids, int64, padded with 0 behind; no position attends to padding. The layers are plain
// torch operations over the arena's leaves, so importance takes one backward pass a sample (importance/fisher.hpp).
#pragma once

#include "mneme/nets/head.hpp"
#include "mneme/nets/net.hpp"

namespace mneme {

struct TransformerOptions {
  std::int64_t vocabulary = 30000;
  std::int64_t width = 128;
  std::int64_t layers = 2;
  std::int64_t heads = 4;
  std::int64_t hidden = 512;
  std::string pooling = "mean";
  OutputOptions output = {};
  void describe(OptionVisitor& v);
};

class Transformer final : public Net {
 public:
  /// `length`: positions of a sample. ConfigError where `heads` does not divide `width`.
  Transformer(ParameterArena& arena, std::int64_t length, TransformerOptions const& options, std::int64_t outputs);
  void check(at::Tensor const& data) const override;
  Output forward(at::Tensor const& tokens, ForwardContext const& context) override;
  void initialise(at::Generator& generator) override;

 private:
  struct Pair {  // of a linear map or a normalisation
    int weight, bias;
  };
  struct Layer {
    Pair norm1, project, out, norm2, fc1, fc2;  // project: to queries, keys and values in one
  };
  [[nodiscard]] Pair add_linear(std::string const& name, std::int64_t in, std::int64_t out);
  [[nodiscard]] Pair add_norm(std::string const& name);
  [[nodiscard]] std::vector<Layer> make_layers();
  [[nodiscard]] at::Tensor linear(Pair const& map, at::Tensor const& x);
  [[nodiscard]] at::Tensor norm(Pair const& norm, at::Tensor const& x);
  [[nodiscard]] at::Tensor attention(Layer const& layer, at::Tensor const& x, at::Tensor const& padding);

  ParameterArena& arena_;
  TransformerOptions options_;
  int tokens_, positions_;
  std::vector<Layer> layers_;
  Pair last_norm_;
  OutputLayer head_;
};

}  // namespace mneme
