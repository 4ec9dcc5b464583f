// Text as a bag of words: the mean of the tokens' learned vectors, then a perceptron.
//
//   h = (1 / L) sum over the sample's L tokens t of E_t,  then hidden layers with ReLU and the output layer
//
// (Joulin et al. 2017, Bag of tricks for efficient text classification, arXiv:1607.01759, without n-grams.) Samples are
// rows of token ids, int64, padded with 0 behind; padding counts for nothing, and of a row of padding h is 0.
#pragma once

#include "mneme/nets/mlp.hpp"

namespace mneme {

/// tokens int64 [N, L] -> the means [N, width].
class EmbeddingMean {
 public:
  /// Segment "<name>.weight" [vocabulary, width].
  EmbeddingMean(ParameterArena& arena, std::string const& name, std::int64_t vocabulary, std::int64_t width);
  [[nodiscard]] at::Tensor forward(at::Tensor const& tokens) const;
  /// Standard normal, the default of the PyTorch layer.
  void initialise(at::Generator& generator) const;

 private:
  friend struct EmbeddingMeanNode;
  ParameterArena* arena_;
  int weight_;
};

/// Throws DataError unless `data` holds token ids from 0 to vocabulary - 1.
void check_tokens(at::Tensor const& data, std::int64_t vocabulary);

/// 1 for a token, 0 for padding, divided by the number of the row's tokens: float [N, L].
[[nodiscard]] at::Tensor token_shares(at::Tensor const& tokens);

struct EmbeddingBagOptions {
  std::int64_t vocabulary = 30000;
  std::int64_t width = 128;
  std::vector<std::int64_t> hidden = {};
  OutputOptions output = {};
  void describe(OptionVisitor& v);
};

class EmbeddingBag final : public Net {
 public:
  /// Segments "embedding.weight" and those of an Mlp.
  EmbeddingBag(ParameterArena& arena, EmbeddingBagOptions const& options, std::int64_t outputs);
  void check(at::Tensor const& data) const override { check_tokens(data, vocabulary_); }
  Output forward(at::Tensor const& tokens, ForwardContext const& context) override;
  void initialise(at::Generator& generator) override;

 private:
  std::int64_t vocabulary_;
  EmbeddingMean embedding_;
  Mlp rest_;
};

}  // namespace mneme
