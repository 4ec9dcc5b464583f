#include "mneme/learners/lgaa.hpp"

#include <torch/types.h>

#include <limits>

#include "mneme/core/errors.hpp"
#include "mneme/eval/generative.hpp"
#include "mneme/learners/adversarial.hpp"
#include "mneme/learners/vae_net.hpp"

namespace mneme {
namespace {

Pass const kTrained{.trained = true, .norm = Pass::Norm::kMoving};
Pass const kFixed{.trained = false, .norm = Pass::Norm::kRunning};
Pass const kHeld{.trained = false, .norm = Pass::Norm::kBatch};  // as it is in training, and is not moved

std::string text_of(Shape const& shape) {
  std::string text;
  for (auto const extent : shape) text += (text.empty() ? "" : " x ") + std::to_string(extent);
  return text;
}

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

/// Logits with outputs that do not take part far below the others.
at::Tensor taking_part(Batch const& batch, at::Tensor const& logits) {
  if (!batch.active.defined()) return logits;
  return active_logits(batch, logits).clamp_min(kAbsent);
}

at::Tensor squared_error(at::Tensor const& a, at::Tensor const& b) { return (a - b).square().flatten(1).sum(1); }

at::Tensor hard(at::Tensor const& logits, at::Tensor const& identity) {
  return identity.index_select(0, logits.argmax(1));
}

/// How much images differ from their mean image.
at::Tensor spread(at::Tensor const& x) { return x.std(0, false).mean(); }

std::vector<int> segments_of(ParameterArena const& arena, std::vector<std::string> const& nets) {
  std::vector<int> found;
  int id = 0;
  for (auto const& segment : arena.segments()) {
    for (auto const& net : nets)
      if (segment.name.starts_with(net + ".")) found.push_back(id);
    ++id;
  }
  return found;
}

}  // namespace

/// What is known of the codes of a batch's rows.
struct Lgaa::Known {
  at::Tensor label;     // int64 [N], 0 where it is not known; undefined: none is known
  at::Tensor labelled;  // float [N], 1 where the label is known; undefined: all, or none
  at::Tensor share;     // float [N]: labelled, times what the row stands for in its part of the batch
  at::Tensor u, a;      // float [N, C], [N, domains]; u undefined where no label is known
};

Lgaa::Lgaa(LearnerShape const& shape, LgaaOptions const& options, at::Generator* init)
    : Learner(shape.device),
      shape_(shape),
      options_(options),
      net_(parameters(), shape, options.net),
      met_(parameters().add_buffer("met", {options.net.domains, shape.classes})) {
  parameters().allocate();
  options.check();
  bool const vae = options.model == "vae", gan = options.model == "gan";
  auto const add = [&](std::string const& name, std::vector<std::string> const& nets, PhaseStep const& step) {
    phases_.push_back({.name = name, .segments = segments_of(parameters(), nets)});
    phase_steps_.push_back(step);
  };
  auto const adversarial = [&](double rate, std::int64_t times) {
    PhaseStep step{.rate = rate, .beta1 = options.beta1, .beta2 = options.beta2, .times = times};
    if (options.adversarial_optimizer != "train") step.optimizer = options.adversarial_optimizer;
    return step;
  };
  if (!vae) {
    add("critic", {"critic"}, adversarial(options.critic_rate, options.critic_steps));
    add("generator", {"generator"}, adversarial(options.generator_rate, 1));
  }
  auto inferring = std::vector<std::string>{"category", "domain"};
  if (!gan) inferring.insert(inferring.end(), {"generator", "encoder"});
  add("inference", inferring, {.rate = options.inference_rate});
  auto const on = at::TensorOptions(at::kFloat).device(shape.device);
  classes_ = at::eye(shape.classes, on);
  domains_ = at::eye(options.net.domains, on);
  if (init) initialise(*init);
}

void Lgaa::initialise(at::Generator& generator) {
  net_.initialise(generator);
  parameters().buffer(met_).zero_();
}

bool Lgaa::runs(std::size_t phase, std::int64_t epoch) const {
  return options_.phase_schedule == "interleaved" || (phases_[phase].name == "inference") == (epoch % 2 == 1);
}

void Lgaa::check(Dataset const& data) const {
  check_unit_range(data, "learner 'lgaa'");
  if (data.size() == 0) return;
  auto const shape = data.sample_shape();
  if (shape != shape_.input)
    throw DataError(data.name() + ": images of " + text_of(shape) + ", but this learner is for " +
                    text_of(shape_.input) + "; bring all sets to one shape (stream options size and channels)");
  if (options_.mode == "supervised") check_labels(data, "learner 'lgaa' with mode = \"supervised\"");
}

void Lgaa::check_visibility(Visibility const& visible) const {
  if (!visible.labels && options_.mode != "unsupervised")
    throw ConfigError("learner.mode: \"" + options_.mode +
                      "\" reads labels, and this stream gives none. Use mode = "
                      "\"unsupervised\", or another stream change: \"few-labels\" leaves some");
}

void Lgaa::check_task(std::int64_t id) const {
  if (id >= options_.net.domains)
    throw ConfigError("learner.domains: " + std::to_string(options_.net.domains) + ", but there is a task number " +
                      std::to_string(id + 1) + "; the domain code has a place for each task: raise it");
}

std::int64_t Lgaa::least_batch() const { return options_.net.norm || options_.net.critic_norm == "batch" ? 2 : 1; }

// ------------------------------------------------------------------------------------------------- a training pass

Output Lgaa::forward(Batch const& batch, ForwardContext const& context, at::Generator& noise) {
  if (context.training) {
    noise_ = noise;
    return {};
  }
  Pass const pass{.trained = at::GradMode::is_enabled(), .norm = Pass::Norm::kRunning};
  auto const code = net_.encode(batch.x, pass);
  auto const u = net_.category.forward(batch.x, pass), a = net_.domains(batch.x, code.mu, pass);
  auto const pixels = net_.generate(code.mu, hard(taking_part(batch, u), classes_), hard(a, domains_), pass);
  return {.logits = u,
          .features = code.mu,
          .more = {{"domains", a}, {"mu", code.mu}, {"logvar", code.logvar}, {"pixels", pixels}}};
}

at::Tensor Lgaa::loss(Phase const& phase, Batch const& batch, Output const& output) {
  if (!output.more.empty()) return Learner::loss(phase, batch, output);
  if (batch.size() < least_batch())
    throw ConfigError(
        "learner 'lgaa': batch normalisation cannot train on a batch of one sample. Choose train.batch so that no step "
        "is left with one, or norm = false, and no \"batch\" for critic_norm");
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
  known.label = batch.y();
  if (options_.mode == "semi-supervised") {
    known.labelled = known.label.ge(0).to(at::kFloat);
    known.share = shares(batch, known.labelled);
    known.label = known.label.clamp_min(0);
  }
  known.u = classes_.index_select(0, known.label);
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
  parameters().buffer(met_).addmm_(known.a.t(), known.labelled.defined() ? u * known.labelled.unsqueeze(1) : u);
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

  auto const kl_u = uniform_kl(u), kl_a = uniform_kl(a);
  auto const unknown = known.labelled.defined() ? 1 - known.labelled : at::Tensor();
  parts_["kl_category"] = at::dot(w, kl_u).detach();
  parts_["kl_domain"] = at::dot(w, kl_a).detach();
  if (options_.kl_known || !known.u.defined())
    loss = loss + options_.kl_category * at::dot(w, kl_u);
  else if (unknown.defined())
    loss = loss + options_.kl_category * at::dot(w, kl_u * unknown);
  if (options_.kl_known) loss = loss + options_.kl_domain * at::dot(w, kl_a);
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

std::map<std::string, at::Tensor> Lgaa::loss_parts(Batch const&, Output const&) { return parts_; }

// ---------------------------------------------------------------------------------------------- outside training

at::Tensor Lgaa::per_sample_loss(Batch const& batch, Output const& output) {
  auto const& more = output.more;
  auto const error = squared_error(more.at("pixels"), batch.x);
  auto const kl = standard_kl({.mu = more.at("mu"), .logvar = more.at("logvar"), .z = {}});
  auto loss = error + options_.kl * kl;
  auto const entropy = [](at::Tensor const& logits, at::Tensor const& answer) {
    return at::nll_loss(at::log_softmax(logits, 1), answer, {}, at::Reduction::None);
  };
  if (options_.mode != "unsupervised" && options_.category > 0) {
    auto const& y = batch.y();
    auto const known = y.ge(0).to(at::kFloat);
    loss = loss + options_.category * entropy(active_logits(batch, output.logits), y.clamp_min(0)) * known;
  }
  if (batch.task_known() && options_.domain > 0) {
    auto const& task = batch.task();
    auto const known = task.ge(0).to(at::kFloat);  // of a request's data nothing is said
    loss = loss + options_.domain * entropy(more.at("domains"), task.clamp_min(0)) * known;
  }
  return loss;
}

std::span<Metric const> Lgaa::metrics() const {
  static std::vector<Metric> const list = {
      {"accuracy", true}, {"domain_accuracy", true}, {"squared_error"}, {"kl"}, {"psnr", true}, {"ssim", true}};
  return std::span(list).first(!encodes() ? 2 : has_ssim(shape_.input) ? 6 : 5);
}

at::Tensor Lgaa::measure(Batch const& batch, Output const& output) {
  auto const& more = output.more;
  auto const on = at::TensorOptions(at::kDouble).device(batch.x.device());
  std::vector<at::Tensor> sums = {active_logits(batch, output.logits).argmax(1).eq(batch.y()).sum()};
  sums.push_back(batch.task_known() ? more.at("domains").argmax(1).eq(batch.task()).sum()
                                    : at::full({}, std::numeric_limits<double>::quiet_NaN(), on));
  if (encodes()) {
    auto const& made = more.at("pixels");
    sums.push_back(squared_error(made, batch.x).sum());
    sums.push_back(standard_kl({.mu = more.at("mu"), .logvar = more.at("logvar"), .z = {}}).sum());
    sums.push_back(psnr_of_each(made, batch.x).sum());
    if (has_ssim(shape_.input)) sums.push_back(ssim_of_each(made, batch.x).sum());
  }
  for (auto& sum : sums) sum = sum.to(at::kDouble);
  return at::stack(sums);
}

CollapseRule Lgaa::collapse() const {
  return {.term = "spread",
          .below = options_.least_spread,
          .lines = options_.collapse_lines,
          .meaning =
              "the images that the generator draws hardly differ among themselves: it has collapsed. Lower "
              "learner.generator_rate or train.learning_rate, or train longer with learner.regression above 0; "
              "learner.collapse_lines = 0 goes on"};
}

std::unique_ptr<Learner> Lgaa::snapshot() const {
  auto copy = std::make_unique<Lgaa>(shape_, options_, nullptr);
  copy_values_to(*copy);
  return copy;
}

Codes Lgaa::infer(at::Tensor const& x) const {
  at::NoGradGuard const no_grad;
  auto const mu = net_.encode(x, kFixed).mu;
  return {
      .z = mu, .u = hard(net_.category.forward(x, kFixed), classes_), .a = hard(net_.domains(x, mu, kFixed), domains_)};
}

at::Tensor Lgaa::decode(Codes const& codes) const {
  at::NoGradGuard const no_grad;
  return net_.generate(codes.z, codes.u, codes.a, kFixed);
}

at::Tensor Lgaa::reconstruct(at::Tensor const& x, at::Generator&) { return decode(infer(x)); }

at::Tensor Lgaa::classes_of(at::Tensor const& x) const { return infer(x).u.argmax(1); }

at::Tensor Lgaa::domains_of(at::Tensor const& x) const { return infer(x).a.argmax(1); }

at::Tensor Lgaa::met() const { return parameters().buffer(met_).cpu().gt(0); }

void Lgaa::forget(std::set<std::pair<std::int64_t, std::int64_t>> const& places) {
  auto const met = parameters().buffer(met_);
  for (auto const& [domain, label] : places)
    if (domain >= 0 && domain < met.size(0) && label >= 0) met[domain][label].zero_();
}

at::Tensor Lgaa::draw(at::Tensor const& labels, at::Tensor const& domains, at::Generator& noise) const {
  return decode({.z = prior_codes(labels.size(0), noise), .u = category_code(labels), .a = domain_code(domains)});
}

at::Tensor Lgaa::sample(std::int64_t n, at::Generator& noise) {
  if (met().any().item<bool>()) return recall(n, noise).x;
  auto const device = parameters().device();
  return draw(draw_indices(shape_.classes, n, noise, device),
              at::zeros({n}, at::TensorOptions(at::kLong).device(device)), noise);
}

Recalled Lgaa::recall(std::int64_t n, at::Generator& noise) const {
  auto const counts = parameters().buffer(met_).cpu();
  auto const known = counts.sum(1).gt(0).to(at::kFloat);
  if (known.sum().item<float>() == 0)
    throw ConfigError("learner 'lgaa' has not been trained: it knows no domain to draw images of. Train it first");
  auto const domains = draw_columns(known.unsqueeze(0).expand({n, known.size(0)}), noise);
  auto const labels = draw_columns(counts.index_select(0, domains), noise).to(shape_.device);
  auto const on_device = domains.to(shape_.device);
  return {.x = draw(labels, on_device, noise), .labels = labels, .domains = on_device};
}

}  // namespace mneme
