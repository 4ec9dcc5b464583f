// Lifelong Generative Adversarial Autoencoder: one generator G(z, u, a) of a continuous code z, a category u and a
// domain a, that a critic teaches to draw and three inference nets q(z|x), q(u|x), q(a|x) teach to reconstruct. Ye and
// Bors 2024, Lifelong generative adversarial autoencoder, IEEE TNNLS 35(10), after the authors' released code and that
// of L-VAEGAN (Ye and Bors 2020, arXiv:2007.10221). Nets: lgaa_net.hpp.
//
// Three phases a step, each with an optimizer of its own; all sums are weighted means over the batch (Batch::weight).
// A row's domain a is its task's number, or the first where the stream hides the task; its category u is its label, or
// where it has none is drawn uniformly.
//
//   critic       L = mean [D(G(z, u, a)) - D(x)] + penalty mean (|| grad D || - 1)^2           adversarial.hpp
//   generator    L = - mean D(x') + regression [CE(q(u|x'), u) + CE(q(a|x'), a)]
//                x' = G(z, u, a), z ~ N(0, I) (`prior`)
//   inference    L = mean [ || G(z~, u~, a~) - x ||^2 + kl KL(q(z|x) || N(0, I))
//                           + kl_category KL(q(u|x) || U) + kl_domain KL(q(a|x) || U) ]
//                    + category CE(q(u|x), y) + domain CE(q(a|x), task)
//                    + dreaming [ - log q(z|x') + CE(q(u|x'), u) + CE(q(a|x'), a) ]
//                z~ = mu + sigma eps; u~, a~ are the row's own codes where they are known, else (and for all rows with
//                codes = "inferred") Gumbel-softmax samples of q(u|x), q(a|x); x' drawn and held.
//                It trains generator, encoder, category and domain net.
//
// model = "vae" has the inference phase alone, "gan" the other two and of the inference phase the cross-entropies
// alone: the same nets as a conditional VAE with a classifier, and as a GAN with one. With phase_schedule =
// "alternating" the critic's and the generator's phases run in the first, third, ... epoch of an event ("wake"), the
// inference phase in the others ("dreaming").
//
// Modes: `supervised` every row has a label; `semi-supervised` rows with the label -1 have none, and the category's
// cross-entropy is over the others, which stand for all rows of their part of the batch: the few labelled ones among
// the new, all among the replayed; `unsupervised` labels are not read, and there is no such term.
//
// Differences from the released code: the gradient's norm is over the whole image, one e a sample; no batch
// normalisation in the critic (critic_norm); z ~ N(0, I), as the KL term has it, and not uniform (prior); Adam in all
// phases (adversarial_optimizer); KL of u and a from logits, once through a softmax, a mean over the batch, and only of
// rows whose code is not known (with `kl_known` of all): of a row
// whose label is known it would pull against the cross-entropy, to even odds at equal weights; for the same reason the
// reconstruction is of the known codes: the squared error's gradient through the samples outweighs the cross-entropy,
// and a new domain's classes are taken for those old ones that draw it best (codes = "inferred"); the released code has
// sigma = softplus, here log sigma^2; cross-entropy in place of sigmoid cross-entropy; the released generator's loss
// has no regression term (regression = 0), and its domain net reads z (domain_from = "code"; here always the
// posterior's mean).
//
// Which domains and classes were met stands in a buffer of the arena [domains, classes], so that a copy knows what to
// draw. Nets train in plain torch operations (nets/stack.hpp). Where a gradient is wanted outside training (importance)
// it is that of the inference loss without noise: z = mu, u and a the most probable; so the critic has none.
#pragma once

#include <map>

#include "mneme/learners/collapse.hpp"
#include "mneme/learners/head_options.hpp"
#include "mneme/learners/lgaa_net.hpp"
#include "mneme/learners/needs_batch.hpp"
#include "mneme/learners/phase_steps.hpp"
#include "mneme/learners/recalls.hpp"

namespace mneme {

struct LgaaOptions {
  HeadOptions head = {};
  LgaaNetOptions net = {};
  std::string model = "lgaa";
  std::string phase_schedule = "interleaved";
  std::string mode = "supervised";
  double penalty = 10.0;
  double regression = 1.0;
  double kl = 1.0;
  double kl_category = 1.0;
  double kl_domain = 1.0;
  bool kl_known = false;
  double category = 1.0;
  double domain = 1.0;
  double dreaming = 0.0;
  std::string codes = "known";
  std::string prior = "normal";
  double temperature = 0.5;
  std::string adversarial_optimizer = "train";
  double beta1 = 0.0;
  double beta2 = 0.9;
  std::int64_t critic_steps = 1;
  double critic_rate = 1.0;
  double generator_rate = 1.0;
  double inference_rate = 1.0;
  double least_spread = 0.02;
  std::int64_t collapse_lines = 20;
  void describe(OptionVisitor& v);
  /// ConfigError for options that contradict each other, or that no term of the loss would read.
  void check() const;
};

class Lgaa final : public Learner,
                   public TunesPhases,
                   public Predicts,
                   public Generates,
                   public Reconstructs,
                   public Recalls,
                   public NeedsBatch,
                   public Collapses {
 public:
  Lgaa(LearnerShape const& shape, LgaaOptions const& options, at::Generator* init);

  [[nodiscard]] std::string kind() const override { return "lgaa"; }
  [[nodiscard]] std::span<Phase const> phases() const override { return phases_; }
  [[nodiscard]] std::span<PhaseStep const> phase_steps() const override { return phase_steps_; }
  [[nodiscard]] bool runs(std::size_t phase, std::int64_t epoch) const override;
  [[nodiscard]] Head head() const override { return options_.head.kind(); }
  [[nodiscard]] CollapseRule collapse() const override;
  void initialise(at::Generator& generator) override;
  /// Values in [0, 1]; in supervised mode a label for every sample, in semi-supervised mode for one at least.
  void check(Dataset const& data) const override;
  /// Below `domains`.
  void check_task(std::int64_t id) const override;
  /// Labels, but in unsupervised mode.
  void check_visibility(Visibility const& visible) const override;
  /// Two where nets are normalised by the batch.
  [[nodiscard]] std::int64_t least_batch() const override;

  /// In training: nothing but the noise that `loss` then draws from, so that a phase runs no more than it needs. Else
  /// logits of q(u|x) [N, C]; more: "domains" logits [N, domains], "mu", "logvar" [N, latent], "pixels" [N, ...].
  Output forward(Batch const& batch, ForwardContext const& context, at::Generator& noise) override;
  /// || pixels - x ||^2 + kl KL(q(z|x) || N(0, I)) + category CE(q(u|x), y) + domain CE(q(a|x), task) of a pass outside
  /// training; the last two where label and task are known.
  at::Tensor per_sample_loss(Batch const& batch, Output const& output) override;
  /// Of a training pass: the phase's. ConfigError for fewer samples than `least_batch`.
  at::Tensor loss(Phase const& phase, Batch const& batch, Output const& output) override;
  /// Of the last training pass of each phase; distance: mean D(x) - mean D(x'); spread: how much the drawn images
  /// differ among themselves, as a share of the real ones' (near 0: collapse).
  std::map<std::string, at::Tensor> loss_parts(Batch const& batch, Output const& output) override;
  /// In unsupervised mode without accuracy, which would compare codes with labels, and the squared error first:
  /// accuracy of q(u|x); domain_accuracy of q(a|x), NaN where the batch's task is not known; squared_error of an image,
  /// summed over its pixels, at the posterior's mean and the most probable u and a; kl of q(z|x), nats; psnr, dB, and
  /// ssim of that reconstruction (eval/generative.hpp), ssim for images of at least 11 x 11. Of a "gan", whose encoder
  /// is not trained, the first two.
  [[nodiscard]] std::span<Metric const> metrics() const override;
  at::Tensor measure(Batch const& batch, Output const& output) override;
  [[nodiscard]] std::unique_ptr<Learner> snapshot() const override;

  /// As `recall`; before training of any class of the first domain.
  at::Tensor sample(std::int64_t n, at::Generator& noise) override;
  /// At the posterior's mean, the most probable u and a.
  at::Tensor reconstruct(at::Tensor const& x, at::Generator& noise) override;
  [[nodiscard]] Recalled recall(std::int64_t n, at::Generator& noise) const override;
  [[nodiscard]] at::Tensor met() const override;
  [[nodiscard]] bool knows_labels() const override { return options_.mode != "unsupervised"; }
  void forget(std::set<std::pair<std::int64_t, std::int64_t>> const& places) override;
  [[nodiscard]] at::Tensor classes_of(at::Tensor const& x, at::Tensor const& possible) const override;
  [[nodiscard]] at::Tensor domains_of(at::Tensor const& x) const override;
  [[nodiscard]] at::Tensor draw(at::Tensor const& labels, at::Tensor const& domains,
                                at::Generator& noise) const override;

  [[nodiscard]] std::int64_t latent() const override { return options_.net.latent; }
  [[nodiscard]] at::Tensor prior_codes(std::int64_t n, at::Generator& noise) const override;
  /// z the posterior's mean.
  [[nodiscard]] Codes infer(at::Tensor const& x) const override;
  [[nodiscard]] bool encodes() const override { return options_.model != "gan"; }
  [[nodiscard]] at::Tensor decode(Codes const& codes) const override;
  [[nodiscard]] at::Tensor category_code(at::Tensor const& labels) const { return classes_.index_select(0, labels); }
  [[nodiscard]] at::Tensor domain_code(at::Tensor const& domains) const { return domains_.index_select(0, domains); }
  [[nodiscard]] LgaaOptions const& options() const { return options_; }
  [[nodiscard]] LgaaNet const& net() const { return net_; }

 private:
  /// Logits with outputs that do not take part far below the others.
  [[nodiscard]] static at::Tensor taking_part(Batch const& batch, at::Tensor const& logits);
  /// Of each image [N], summed over its pixels.
  [[nodiscard]] static at::Tensor squared_error(at::Tensor const& a, at::Tensor const& b);
  struct Known;  // a batch's codes
  [[nodiscard]] Known known(Batch const& batch);
  [[nodiscard]] Codes drawn(Batch const& batch, Known const& known);
  /// [N, C]: 1 at the outputs that take part, else 0.
  [[nodiscard]] at::Tensor possible(Batch const& batch) const;
  /// Adds the real rows to what was met.
  void count(Batch const& batch, Known const& known);
  at::Tensor critic_phase(Batch const& batch, Known const& known, at::Tensor const& w);
  at::Tensor generator_phase(Batch const& batch, Known const& known, at::Tensor const& w);
  at::Tensor inference_phase(Batch const& batch, Known const& known, at::Tensor const& w);
  at::Tensor solver_phase(Batch const& batch, Known const& known, at::Tensor const& w);
  /// The cross-entropies of the codes that are known; undefined where none is asked for.
  [[nodiscard]] at::Tensor code_terms(at::Tensor const& u, at::Tensor const& a, Known const& known,
                                      at::Tensor const& w);
  at::Tensor part(char const* name, at::Tensor const& each, at::Tensor const& w);
  [[nodiscard]] at::Tensor dream(Batch const& batch, Known const& known, at::Tensor const& w);

  LearnerShape shape_;
  LgaaOptions options_;
  LgaaNet net_;
  int met_;  // buffer [domains, classes]
  std::vector<Phase> phases_;
  std::vector<PhaseStep> phase_steps_;
  at::Tensor classes_, domains_;  // identities
  at::Generator noise_;           // of the pass that `loss` belongs to
  std::map<std::string, at::Tensor> parts_;
};

}  // namespace mneme
