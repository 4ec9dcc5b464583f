// A variational autoencoder in columns: encoder and decoder are each a progressive net (nets/progressive.hpp), so that
// a new column of both reads the frozen ones before it. With one column it is the VAE of vae.hpp, hidden layer for
// hidden layer; the strategy pnn adds a column for each further task.
//
//   encoder of column k   x -> hidden (ReLU) x layers -> (mu, log sigma^2), reading the encoders before it for the same
//   x decoder of column k   z -> hidden (ReLU) x layers -> D logits, reading the decoders before it for the same z
//
// z is the newest column's code. Rusu et al. 2016, Progressive neural networks, arXiv:1606.04671, eqs. 1 and 2, applied
// to both nets; the paper has no autoencoder.
#pragma once

#include "mneme/learners/elbo.hpp"
#include "mneme/nets/progressive.hpp"

namespace mneme {

struct ProgressiveVaeOptions : VaeOptions {
  std::string lateral = "adapter";
  void describe(OptionVisitor& v);
};

class ProgressiveVae final : public ElboLearner, public Columns, public Generates, public Reconstructs {
 public:
  ProgressiveVae(LearnerShape const& shape, ProgressiveVaeOptions const& options, at::Generator* init);

  [[nodiscard]] std::string kind() const override { return "progressive-vae"; }
  void initialise(at::Generator& generator) override;
  /// logits [N, D]; more: "mu", "logvar" [N, latent]. Of the selected column.
  Output forward(Batch const& batch, ForwardContext const& context, at::Generator& noise) override;
  [[nodiscard]] std::unique_ptr<Learner> snapshot() const override;

  void add_column(std::function<void(std::string, Shape)> const& append, at::Generator& generator) override;
  [[nodiscard]] std::int64_t columns() override { return encoder_.columns(); }
  void select(std::int64_t column) override;
  [[nodiscard]] std::vector<int> segments(std::int64_t column) const override;

  at::Tensor sample(std::int64_t n, at::Generator& noise) override;
  at::Tensor reconstruct(at::Tensor const& x, at::Generator& noise) override;

 private:
  LearnerShape shape_;
  ProgressiveVaeOptions options_;
  Progressive encoder_, decoder_;
};

}  // namespace mneme
