#include "mneme/learners/rtf.hpp"

#include <c10/util/accumulate.h>
#include <torch/types.h>

#include <cmath>

namespace mneme {
namespace {

/// log N(z; mu, exp(logvar)) summed over the last dimension, without the constant.
at::Tensor log_normal(at::Tensor const& z, at::Tensor const& mu, at::Tensor const& logvar) {
  return ((z - mu).square() * (-logvar).exp() + logvar).sum(-1) * -0.5;
}

/// The same units are off in every run and every copy.
at::Tensor draw_decoder_gates(std::int64_t classes, VaeOptions const& vae, double share, at::Device device) {
  auto generator = RandomStreams(0).fresh("decoder-gates");
  auto const off = std::llround(share * static_cast<double>(vae.hidden));
  std::vector<at::Tensor> rows;
  for (std::int64_t i = 0; i < classes * vae.layers; ++i)
    rows.push_back(draw_permutation(vae.hidden, generator, at::kCPU).ge(off));
  return at::stack(rows).view({classes, vae.layers, vae.hidden}).to(device, at::kFloat);
}

}  // namespace

RtfLearner::RtfLearner(LearnerShape const& shape, BirLearnerOptions const& options, bool by_class, at::Generator* init)
    : Learner(shape.device),
      shape_(shape),
      options_(options),
      by_class_(by_class),
      net_(parameters(), c10::multiply_integers(shape.input), options.vae),
      head_(parameters(), "head", options.vae.hidden, shape.classes) {
  if (by_class) {
    prior_mu_.emplace(parameters(), "prior.mu", shape.classes, options.vae.latent);
    prior_logvar_.emplace(parameters(), "prior.logvar", shape.classes, options.vae.latent);
    classes_ = at::eye(shape.classes, at::kFloat).to(shape.device);
  }
  parameters().allocate();
  if (options.gated > 0) gates_ = draw_decoder_gates(shape.classes, options.vae, options.gated, shape.device);
  if (init) initialise(*init);
}

void RtfLearner::initialise(at::Generator& generator) {
  net_.initialise(generator);
  head_.initialise(generator);
  if (!by_class_) return;
  auto const& means = parameters().value(prior_mu_->weight());
  means.copy_(draw_normal(means.sizes(), generator, means.device()));
  for (int const segment : {prior_mu_->bias(), prior_logvar_->weight(), prior_logvar_->bias()})
    parameters().value(segment).zero_();
}

Gates RtfLearner::gates_of(at::Tensor const& labels) const {
  if (!gates_.defined()) return {};
  return gates_.index_select(0, labels).unbind(1);
}

Output RtfLearner::forward(Batch const& batch, ForwardContext const& context, at::Generator& noise) {
  auto const h = net_.encode(batch.x.flatten(1));
  Output output{.logits = head_.forward(h), .features = h, .more = {}};
  if (!context.training && !at::GradMode::is_enabled()) return output;
  auto const code = net_.code(h, draw_normal({h.size(0), net_.latent()}, noise, h.device()));
  auto const gates = gates_.defined() ? gates_of(batch.y()) : Gates();
  output.more = {{"pixels", net_.decode(code.z, &gates)}, {"mu", code.mu}, {"logvar", code.logvar}, {"z", code.z}};
  return output;
}

at::Tensor RtfLearner::divergence(Batch const& batch, Output const& output) {
  VaeNet::Code const code{.mu = output.more.at("mu"), .logvar = output.more.at("logvar"), .z = output.more.at("z")};
  if (!by_class_) return standard_kl(code);
  auto const given = batch.extras.find("probabilities");
  at::Tensor prior;
  if (given == batch.extras.end()) {
    auto const rows = classes_.index_select(0, batch.y());
    prior = log_normal(code.z, prior_mu_->forward(rows), prior_logvar_->forward(rows));
  } else {
    auto const each = log_normal(code.z.unsqueeze(1), prior_mu_->forward(classes_), prior_logvar_->forward(classes_));
    prior = at::logsumexp(each + given->second.log(), 1);
  }
  return log_normal(code.z, code.mu, code.logvar) - prior;
}

at::Tensor RtfLearner::generative_loss(Batch const& batch, Output const& output) {
  auto const x = batch.x.flatten(1);
  return (pixel_loss(output.more.at("pixels"), x) + divergence(batch, output)) / static_cast<double>(x.size(1));
}

at::Tensor RtfLearner::per_sample_loss(Batch const& batch, Output const& output) {
  auto const log_p = at::log_softmax(active_logits(batch, output.logits), 1);
  auto const classifier = at::nll_loss(log_p, batch.y(), {}, at::Reduction::None);
  return output.more.empty() ? classifier : classifier + generative_loss(batch, output);
}

at::Tensor RtfLearner::sample(at::Tensor const& labels, at::Generator& noise) const {
  at::NoGradGuard const no_grad;
  auto const n = labels.size(0);
  auto z = draw_normal({n, net_.latent()}, noise, labels.device());
  if (by_class_) {
    auto const rows = classes_.index_select(0, labels);
    z = at::addcmul(prior_mu_->forward(rows), (prior_logvar_->forward(rows) * 0.5).exp(), z);
  }
  auto const gates = gates_of(labels);
  return net_.decode(z, &gates).sigmoid().view(with_count(n, shape_.input));
}

std::span<Metric const> RtfLearner::metrics() const {
  static std::vector<Metric> const list = {{"accuracy", true}, {"loss", false}};
  return list;
}

at::Tensor RtfLearner::measure(Batch const& batch, Output const& output) {
  auto const logits = active_logits(batch, output.logits);
  return at::stack(
      {logits.argmax(1).eq(batch.y()).sum().to(at::kDouble), cross_entropy(logits, batch.y(), false).to(at::kDouble)});
}

std::unique_ptr<Learner> RtfLearner::snapshot() const {
  std::unique_ptr<RtfLearner> copy(new RtfLearner(shape_, options_, by_class_, nullptr));
  copy_values_to(*copy);
  return copy;
}

}  // namespace mneme
