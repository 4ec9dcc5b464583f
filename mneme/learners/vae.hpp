// Variational autoencoder with a Gaussian code and a Bernoulli decoder over pixels in [0, 1].
//
//   encoder  D -> hidden (ReLU) x layers -> mu, log sigma^2 [latent];  z = mu + exp(log sigma^2 / 2) eps, eps ~ N(0, I)
//   decoder  latent -> hidden (ReLU) x layers -> D logits, sigmoid
//   loss of a sample, in nats: -ELBO = BCE(x, sigmoid(logits)) summed over the pixels + KL(q(z|x) || N(0, I)),
//   KL = -1/2 sum(1 + log sigma^2 - mu^2 - sigma^2).        Kingma and Welling 2014, arXiv:1312.6114, eq. 10
//
// With 784 pixels, hidden 400 and latent 20: 652,824 parameters. The loss is the mean over the batch; the study that
// the defaults come from sums over it (batch 128), so its EWC lambda is 128 times ours. z is sampled at test time too.
#pragma once

#include "mneme/learners/elbo.hpp"

namespace mneme {

class Vae final : public ElboLearner, public Generates, public Reconstructs {
 public:
  Vae(Shape input, VaeOptions const& options, at::Device device, at::Generator* init);

  [[nodiscard]] std::string kind() const override { return "vae"; }
  void initialise(at::Generator& generator) override { net_.initialise(generator); }
  /// logits [N, D]; more: "mu", "logvar" [N, latent].
  Output forward(Batch const& batch, ForwardContext const& context, at::Generator& noise) override;
  [[nodiscard]] std::unique_ptr<Learner> snapshot() const override;

  at::Tensor sample(std::int64_t n, at::Generator& noise) override;
  at::Tensor reconstruct(at::Tensor const& x, at::Generator& noise) override;

  [[nodiscard]] VaeNet const& net() const { return net_; }

 private:
  Shape input_;
  VaeOptions options_;
  VaeNet net_;
};

}  // namespace mneme
