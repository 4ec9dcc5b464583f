// A classifier with feedback connections: the encoder of a variational autoencoder carries the classifier, so that one
// net recognises and generates.
//
//   h = encoder(x),  logits = head(h),  z = mu(h) + sigma(h) eps,  pixels = decoder(z)
//   loss of a sample   (BCE(x, sigmoid(pixels)) + KL) / D + CE(y, logits),   D the number of pixels
//
// `rtf`: KL(q(z|x) || N(0, I)) in closed form. van de Ven and Tolias 2018, arXiv:1809.10635; the division by D is that
// of the authors' code, where the paper says nothing of it.
// `bi-r`: the prior has a mode for each class, p(z|y) = N(mu_y, diag sigma_y^2), learnt, mu_y and log sigma_y^2 each
// the sum of a vector of the class and one that all classes share, which begins at 0; KL is estimated by the one sample
// z, log q(z|x) - log p(z|y). Where the label is a distribution (extras "probabilities" [N, C] of the batch), it is log
// q(z|x) - log sum_y p(y) p(z|y). And for each class a fixed random share of the decoder's hidden units is off. van de
// Ven, Siegelmann and Tolias 2020, Brain-inspired replay for continual learning with artificial neural networks, Nature
// Communications 11, doi:10.1038/s41467-020-17866-2.
//
// Where no gradient is wanted only the classifier runs.
#pragma once

#include <optional>

#include "mneme/learners/head_options.hpp"
#include "mneme/learners/vae_net.hpp"

namespace mneme {

struct RtfLearnerOptions {
  HeadOptions head = {};
  VaeOptions vae = {.hidden = 400, .latent = 100, .layers = 2};
  void describe(OptionVisitor& v) {
    head.describe(v);
    vae.describe(v);
  }
};

struct BirLearnerOptions : RtfLearnerOptions {
  double gated = 0.1;
  void describe(OptionVisitor& v) {
    RtfLearnerOptions::describe(v);
    v.field("gated", gated,
            {.help = "share of the decoder's hidden units that are off for a class",
             .min = 0,
             .below = 1,
             .source = "the authors' code: 0.1 on class-incremental split MNIST"});
  }
};

class RtfLearner final : public Learner, public Predicts {
 public:
  RtfLearner(LearnerShape const& shape, RtfLearnerOptions const& options, at::Generator* init)
      : RtfLearner(shape, {options, 0.0}, false, init) {}
  RtfLearner(LearnerShape const& shape, BirLearnerOptions const& options, at::Generator* init)
      : RtfLearner(shape, options, true, init) {}

  [[nodiscard]] std::string kind() const override { return by_class_ ? "bi-r" : "rtf"; }
  [[nodiscard]] Head head() const override { return options_.head.kind(); }
  void initialise(at::Generator& generator) override;
  void check(Dataset const& data) const override {
    check_unit_range(data, "learner '" + kind() + "'");
    check_labels(data, "learner '" + kind() + "'");
  }
  /// logits [N, C]; where a gradient is wanted, more: "pixels" [N, D], "mu", "logvar", "z" [N, latent].
  Output forward(Batch const& batch, ForwardContext const& context, at::Generator& noise) override;
  /// Where only the classifier ran, its cross-entropy.
  at::Tensor per_sample_loss(Batch const& batch, Output const& output) override;
  [[nodiscard]] std::span<Metric const> metrics() const override;
  at::Tensor measure(Batch const& batch, Output const& output) override;
  [[nodiscard]] std::unique_ptr<Learner> snapshot() const override;

  /// (BCE + KL) / D of each sample [N].
  [[nodiscard]] at::Tensor generative_loss(Batch const& batch, Output const& output);
  /// One sample [n, ...] in [0, 1] for each of these classes [n], which only `bi-r` heeds.
  [[nodiscard]] at::Tensor sample(at::Tensor const& labels, at::Generator& noise) const;
  /// float [C, layers, hidden]: 0 where a unit of the decoder is off for a class. Undefined: none is.
  [[nodiscard]] at::Tensor const& decoder_gates() const { return gates_; }

 private:
  RtfLearner(LearnerShape const& shape, BirLearnerOptions const& options, bool by_class, at::Generator* init);
  [[nodiscard]] Gates gates_of(at::Tensor const& labels) const;
  [[nodiscard]] at::Tensor divergence(Batch const& batch, Output const& output);

  LearnerShape shape_;
  BirLearnerOptions options_;
  bool by_class_;
  VaeNet net_;
  Linear head_;
  std::optional<Linear> prior_mu_, prior_logvar_;  // of a class's row of the identity; bi-r
  at::Tensor classes_;                             // float [C, C]: the identity
  at::Tensor gates_;
};

}  // namespace mneme
