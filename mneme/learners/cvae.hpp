// Conditional variational autoencoder: a VAE whose encoder and decoder are told the class, so that it draws images of a
// class that it is asked for.
//
//   loss of a sample   -ELBO = BCE(x, sigmoid(decoder(z, c))) + beta KL(q(z|x, c) || N(0, I)), nats per image
//   (elbo.hpp)
//
// Kingma, Rezende, Mohamed and Welling 2014, Semi-supervised learning with deep generative models, arXiv:1406.5298,
// model M2 with labels known. With `architecture = "mlp"`, 28x28 images and 10 classes it is the net of Heng and Soh
// 2023, Selective amnesia, arXiv:2305.10120, whose code sums the loss over the batch: `scale = "sum"`. With Adam the
// scale changes nothing but the effect of its epsilon and what a penalty's strength is measured against; see the
// unlearning method selective-amnesia.
#pragma once

#include "mneme/learners/conditional.hpp"
#include "mneme/learners/cvae_net.hpp"
#include "mneme/learners/elbo.hpp"

namespace mneme {

class Cvae final : public ElboLearner, public OneHotConditional, public Generates {
 public:
  Cvae(LearnerShape const& shape, CvaeOptions const& options, at::Generator* init);

  [[nodiscard]] std::string kind() const override { return "cvae"; }
  void initialise(at::Generator& generator) override { net_->initialise(generator); }
  void check(Dataset const& data) const override {
    ElboLearner::check(data);
    check_labels(data, "learner 'cvae'");
  }
  /// logits [N, D]; more: "mu", "logvar" [N, latent]. Reads the labels.
  Output forward(Batch const& batch, ForwardContext const& context, at::Generator& noise) override;
  at::Tensor loss(Phase const& phase, Batch const& batch, Output const& output) override;
  [[nodiscard]] std::unique_ptr<Learner> snapshot() const override;

  [[nodiscard]] std::int64_t latent() const override { return options_.latent; }
  [[nodiscard]] at::Tensor decode(at::Tensor const& z, at::Tensor const& condition) const override;
  [[nodiscard]] at::Tensor encode(at::Tensor const& x, at::Tensor const& condition) const override;
  [[nodiscard]] at::Tensor reconstruct(at::Tensor const& x, at::Tensor const& labels,
                                       at::Generator& noise) const override;
  /// Of classes drawn uniformly.
  at::Tensor sample(std::int64_t n, at::Generator& noise) override { return sample_any(n, noise); }

  [[nodiscard]] CvaeOptions const& options() const { return options_; }

 private:
  LearnerShape shape_;
  CvaeOptions options_;
  std::unique_ptr<CvaeNet> net_;
};

}  // namespace mneme
