// What learners have in common whose loss is a negative evidence lower bound: a Gaussian code with the prior N(0, I)
// and a Bernoulli decoder over pixels in [0, 1].
//
//   loss of a sample, in nats: BCE(x, sigmoid(logits)) summed over the pixels + beta KL(q(z|x) || N(0, I))
//   KL = -1/2 sum(1 + log sigma^2 - mu^2 - sigma^2)         Kingma and Welling 2014, arXiv:1312.6114, eq. 10 (beta = 1)
//
// Figures are of the bound itself, beta = 1, whatever the loss is.
#pragma once

#include "mneme/learners/vae_net.hpp"

namespace mneme {

class ElboLearner : public Learner {
 public:
  explicit ElboLearner(at::Device device, double beta = 1) : Learner(device), beta_(beta) {}

  /// The Bernoulli decoder models values in [0, 1].
  void check(Dataset const& data) const override { check_unit_range(data, "learner '" + kind() + "'"); }
  /// Of logits [N, D] and more: "mu", "logvar" [N, latent].
  at::Tensor per_sample_loss(Batch const& batch, Output const& output) override;
  std::map<std::string, at::Tensor> loss_parts(Batch const& batch, Output const& output) override;
  [[nodiscard]] std::span<Metric const> metrics() const override;
  at::Tensor measure(Batch const& batch, Output const& output) override;

 private:
  double beta_;
};

}  // namespace mneme
