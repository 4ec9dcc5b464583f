// The training passes of the Lifelong Generative Adversarial Autoencoder; their equations are in lgaa.hpp.
#include <torch/types.h>

#include "mneme/core/errors.hpp"
#include "mneme/learners/adversarial.hpp"
#include "mneme/learners/lgaa.hpp"
#include "mneme/learners/vae_net.hpp"

namespace mneme {
namespace {

Pass const kTrained{.trained = true, .norm = Pass::Norm::kMoving};
Pass const kFixed{.trained = false, .norm = Pass::Norm::kRunning};
Pass const kHeld{.trained = false, .norm = Pass::Norm::kBatch};  // as it is in training, and is not moved

Pass noisy(at::Generator& noise, Pass::Norm norm = Pass::Norm::kMoving) {
  return {.trained = true, .norm = norm, .noise = &noise};
}

/// [N] of rows that are labelled, 1, or not, 0: a factor that lets the labelled rows of each part of the batch stand
/// for the whole part.
at::Tensor shares(Batch const& batch, at::Tensor const& labelled) {
  auto const w = row_weights(batch);
  auto share = labelled.clone();
  for (auto const& part : batch.parts) {
    auto const of = [&](at::Tensor const& rows) { return rows.narrow(0, part.first, part.count); };
    of(share).mul_(of(w).sum() / of(w).dot(of(labelled)).clamp_min(1e-8));
  }
  return share;
}

/// -sum_c target_c log softmax(logits)_c [N].
at::Tensor code_entropy(at::Tensor const& logits, at::Tensor const& target) {
  return -(at::log_softmax(logits, 1) * target).sum(1);
}

/// How much images differ from their mean image.
at::Tensor spread(at::Tensor const& x) { return x.std(0, false).mean(); }

}  // namespace

/// What is known of the codes of a batch's rows.
struct Lgaa::Known {
  at::Tensor labelled;  // float [N], 1 where the label is known; undefined: all, or none
  at::Tensor share;     // float [N]: labelled, times what the row stands for in its part of the batch
  at::Tensor u, a;      // float [N, C], [N, domains]; u undefined where no label is known
};

at::Tensor Lgaa::loss(Phase const& phase, Batch const& batch, Output const& output) {
  if (!output.more.empty()) return Learner::loss(phase, batch, output);
  if (batch.size() < least_batch())
    throw ConfigError(
        "learner 'lgaa': batch normalisation cannot train on a batch of one sample. Give it more samples, or norm = "
        "false, and no \"batch\" for critic_norm");
  auto const codes = known(batch);
  auto const w = row_weights(batch);
  bool const front = phase.name == phases_.front().name;
  if (front) count(batch, codes);
  // In alternating epochs a step is of the inference phase alone.
  if (front || (options_.phase_schedule == "alternating" && phase.name == "inference")) parts_.clear();
  if (phase.name == "critic") return critic_phase(batch, codes, w);
  if (phase.name == "generator") return generator_phase(batch, codes, w);
  return options_.model == "gan" ? solver_phase(batch, codes, w) : inference_phase(batch, codes, w);
}

at::Tensor Lgaa::taking_part(Batch const& batch, at::Tensor const& logits) {
  return batch.active.defined() ? active_logits(batch, logits).clamp_min(kAbsent) : logits;
}

Lgaa::Known Lgaa::known(Batch const& batch) {
  Known known;
  if (!batch.task_known()) {
    known.a = domains_.narrow(0, 0, 1).expand({batch.size(), -1});
  } else {
    auto const one = batch.one_task();
    // For who trains without a stream; a batch of several tasks is looked at where that does not hold up a device.
    check_task(one ? *one : batch.task().is_cpu() ? batch.task().max().item<std::int64_t>() : 0);
    known.a = domains_.index_select(0, batch.task());
  }
  if (options_.mode == "unsupervised") return known;
  if (options_.mode == "semi-supervised") {
    known.labelled = batch.y().ge(0).to(at::kFloat);
    known.share = shares(batch, known.labelled);
  }
  known.u = classes_.index_select(0, batch.y().clamp_min(0));
  return known;
}

Codes Lgaa::drawn(Batch const& batch, Known const& known) {
  auto const n = batch.size();
  Codes codes{.z = prior_codes(n, noise_), .u = known.u, .a = known.a};
  if (known.u.defined() && !known.labelled.defined()) return codes;
  auto const device = batch.x.device();
  auto const any = batch.active.defined() ? draw_columns(possible(batch), noise_).to(device)
                                          : draw_indices(shape_.classes, n, noise_, device);
  auto const uniform = classes_.index_select(0, any);
  codes.u = known.u.defined() ? at::where(known.labelled.unsqueeze(1) > 0, known.u, uniform) : uniform;
  return codes;
}

at::Tensor Lgaa::prior_codes(std::int64_t n, at::Generator& noise) const {
  if (options_.prior == "normal") return draw_normal({n, options_.net.latent}, noise, shape_.device);
  return at::empty({n, options_.net.latent}, at::kFloat).uniform_(-1, 1, noise).to(shape_.device);
}

at::Tensor Lgaa::possible(Batch const& batch) const {
  if (batch.active.defined()) return batch.active.to(at::kFloat).expand({batch.size(), batch.active.size(-1)});
  return at::ones({1, 1}, batch.x.options()).expand({batch.size(), shape_.classes});
}

void Lgaa::count(Batch const& batch, Known const& known) {
  at::NoGradGuard const no_grad;
  auto u = known.u;
  if (!u.defined()) {
    u = possible(batch);
    u = at::constant_pad_nd(u / u.sum(1, true), {0, shape_.classes - u.size(1)});
  }
  if (known.labelled.defined()) u = u * known.labelled.unsqueeze(1);
  auto const real = at::ones({batch.size(), 1}, batch.x.options());
  for (auto const& part : batch.parts)
    if (part.origin == BatchPart::Origin::kGenerated) real.narrow(0, part.first, part.count).zero_();
  parameters().buffer(met_).addmm_(known.a.t(), u * real);
}

at::Tensor Lgaa::critic_phase(Batch const& batch, Known const& known, at::Tensor const& w) {
  at::Tensor fake;
  {
    at::NoGradGuard const no_grad;
    auto const codes = drawn(batch, known);
    fake = net_.generate(codes.z, codes.u, codes.a, kHeld);
    auto const real = spread(batch.x);  // 0 of one image, or of equal ones: nothing to compare with
    parts_["spread"] = at::where(real.gt(0), spread(fake) / real, at::ones_like(real));
  }
  auto const e = at::empty({batch.size()}, at::kFloat).uniform_(0, 1, noise_).to(batch.x.device());
  auto const loss = critic_loss(net_.critic, batch.x, fake, e, w, options_.penalty);
  parts_["distance"] = loss.distance;
  parts_["penalty"] = loss.penalty;
  parts_["gradient_norm"] = loss.norm;
  return loss.loss;
}

at::Tensor Lgaa::generator_phase(Batch const& batch, Known const& known, at::Tensor const& w) {
  auto const codes = drawn(batch, known);
  auto const fake = net_.generate(codes.z, codes.u, codes.a, kTrained);
  auto loss = -at::dot(w, net_.critic.forward(fake, kHeld).squeeze(1));
  parts_["generator"] = loss.detach();
  if (options_.regression == 0) return loss;
  auto const z = net_.domain_of_image ? at::Tensor() : net_.encode(fake, kFixed).mu;
  auto const u = at::dot(w, code_entropy(taking_part(batch, net_.category.forward(fake, kFixed)), codes.u));
  auto const a = at::dot(w, code_entropy(net_.domains(fake, z, kFixed), codes.a));
  parts_["regression_category"] = u.detach();
  parts_["regression_domain"] = a.detach();
  return loss + options_.regression * (u + a);
}

/// The loss's part of that name: a weighted mean.
at::Tensor Lgaa::part(char const* name, at::Tensor const& each, at::Tensor const& w) {
  auto const value = at::dot(w, each);
  parts_[name] = value.detach();
  return value;
}

at::Tensor Lgaa::code_terms(at::Tensor const& u, at::Tensor const& a, Known const& known, at::Tensor const& w) {
  at::Tensor loss;
  if (known.u.defined() && options_.category > 0) {
    auto each = code_entropy(u, known.u);
    if (known.share.defined()) each = each * known.share;
    loss = options_.category * part("category", each, w);
  }
  if (options_.domain > 0) {
    auto const domain = options_.domain * part("domain", code_entropy(a, known.a), w);
    loss = loss.defined() ? loss + domain : domain;
  }
  return loss;
}

at::Tensor Lgaa::solver_phase(Batch const& batch, Known const& known, at::Tensor const& w) {
  auto const u = taking_part(batch, net_.category.forward(batch.x, noisy(noise_)));
  return code_terms(u, net_.domains(batch.x, {}, kTrained), known, w);
}

at::Tensor Lgaa::inference_phase(Batch const& batch, Known const& known, at::Tensor const& w) {
  auto const code = net_.encode(batch.x, kTrained);
  auto const z = sample_code(code.mu, code.logvar, noise_);
  auto const u = taking_part(batch, net_.category.forward(batch.x, noisy(noise_)));
  auto const a = net_.domains(batch.x, code.mu.detach(), kTrained);
  bool const own = options_.codes == "known";
  auto const sampled = [&](at::Tensor const& logits) { return gumbel_softmax(logits, options_.temperature, noise_); };
  auto code_u = own && known.u.defined() ? known.u : sampled(u);
  if (own && known.labelled.defined()) code_u = at::where(known.labelled.unsqueeze(1) > 0, known.u, sampled(u));
  auto const made = net_.generate(z, code_u, own ? known.a : sampled(a), kTrained);
  auto loss = part("squared_error", squared_error(made, batch.x), w);
  loss = loss + options_.kl * part("kl", standard_kl({.mu = code.mu, .logvar = code.logvar, .z = {}}), w);

  if (options_.kl_known || !known.u.defined())
    loss = loss + options_.kl_category * part("kl_category", uniform_kl(u), w);
  else if (known.labelled.defined())
    loss = loss + options_.kl_category * part("kl_category", uniform_kl(u) * (1 - known.labelled), w);
  if (options_.kl_known) loss = loss + options_.kl_domain * part("kl_domain", uniform_kl(a), w);
  if (auto const known_codes = code_terms(u, a, known, w); known_codes.defined()) loss = loss + known_codes;
  if (options_.dreaming > 0) loss = loss + options_.dreaming * dream(batch, known, w);
  return loss;
}

at::Tensor Lgaa::dream(Batch const& batch, Known const& known, at::Tensor const& w) {
  auto const codes = drawn(batch, known);
  at::Tensor x;
  {
    at::NoGradGuard const no_grad;
    x = net_.generate(codes.z, codes.u, codes.a, kHeld);
  }
  auto const still = noisy(noise_, Pass::Norm::kRunning);
  auto const code = net_.encode(x, still);
  auto const z = (((codes.z - code.mu).square() * (-code.logvar).exp() + code.logvar) * 0.5).sum(1);
  auto const u = code_entropy(taking_part(batch, net_.category.forward(x, still)), codes.u);
  auto const a = code_entropy(net_.domains(x, code.mu.detach(), still), codes.a);
  auto const value = at::dot(w, z + u + a);
  parts_["dreaming"] = value.detach();
  return value;
}

}  // namespace mneme
