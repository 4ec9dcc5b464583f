// Generative classifier: one small variational autoencoder for each class, trained on samples of that class alone. A
// sample is given to the class under which it is most likely.
//
//   loss     -ELBO of the sample's own class (learners/vae.hpp), mean over the batch, in nats
//   scores   log p(x|y) ~ log (1/S) sum_s p(x|z_s, y) p(z_s) / q(z_s|x, y),   z_s = mu + sigma eps_s
//
// The eps_s are the same for all samples, classes and evaluations, so a score depends on the sample and the weights
// alone; with S = 1 eps is 0, the posterior mean. All classes count as equally likely. No class has a parameter in
// common with another: what is learnt of one cannot disturb the rest. van de Ven, Li and Tolias 2021, Class-incremental
// learning with generative classifiers, arXiv:2104.10093.
//
// A learner and not a strategy: the loss, the net and what it predicts are its own, and nothing of it depends on tasks.
#pragma once

#include <deque>

#include "mneme/learners/head_options.hpp"
#include "mneme/learners/vae_net.hpp"

namespace mneme {

struct GenerativeClassifierOptions {
  HeadOptions head = {};
  VaeOptions vae = {.hidden = 85, .latent = 5, .layers = 2};
  std::int64_t samples = 1;
  void describe(OptionVisitor& v) {
    head.describe(v);
    vae.describe(v);
    v.field("samples", samples, {.help = "importance samples of log p(x|y); 1: the posterior mean", .min = 1});
  }
};

class GenerativeClassifier final : public Learner {
 public:
  GenerativeClassifier(LearnerShape const& shape, GenerativeClassifierOptions const& options, at::Generator* init);

  [[nodiscard]] std::string kind() const override { return "generative-classifier"; }
  [[nodiscard]] Head head() const override { return options_.head.kind(); }
  void initialise(at::Generator& generator) override;
  void check(Dataset const& data) const override {
    check_unit_range(data, "learner '" + kind() + "'");
    check_labels(data, "learner '" + kind() + "'");
  }
  /// Where a gradient is wanted: what the own class's net gives, more: "pixels" [N, D], "mu", "logvar" [N, latent], and
  /// no logits. Else: the scores of all classes as logits [N, C], which need no labels.
  Output forward(Batch const& batch, ForwardContext const& context, at::Generator& noise) override;
  /// -ELBO; of scores: -log p(x|y).
  at::Tensor per_sample_loss(Batch const& batch, Output const& output) override;
  [[nodiscard]] std::span<Metric const> metrics() const override;
  at::Tensor measure(Batch const& batch, Output const& output) override;
  [[nodiscard]] std::unique_ptr<Learner> snapshot() const override;

  [[nodiscard]] VaeNet const& net(std::size_t label) const { return nets_[label]; }

 private:
  [[nodiscard]] Output own_class(Batch const& batch, at::Generator& noise) const;
  /// log p(x|y) [N] for x [N, D].
  [[nodiscard]] at::Tensor score(VaeNet const& net, at::Tensor const& x) const;

  LearnerShape shape_;
  GenerativeClassifierOptions options_;
  std::deque<VaeNet> nets_;  // by class
  at::Tensor epsilon_;       // [S, 1, latent]
};

}  // namespace mneme
