#include "mneme/learners/lgaa.hpp"

#include <torch/types.h>

#include <limits>

#include "mneme/core/errors.hpp"
#include "mneme/core/extents.hpp"
#include "mneme/eval/generative.hpp"
#include "mneme/learners/adversarial.hpp"
#include "mneme/learners/vae_net.hpp"

namespace mneme {
namespace {

Pass const kFixed{.trained = false, .norm = Pass::Norm::kRunning};

at::Tensor hard(at::Tensor const& logits, at::Tensor const& identity) {
  return identity.index_select(0, logits.argmax(1));
}

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
    throw DataError(data.name() + ": images of " + extents_text(shape) + ", but this learner is for " +
                    extents_text(shape_.input) + "; bring all sets to one shape (stream options size and channels)");
  if (options_.mode == "supervised") check_labels(data, "learner 'lgaa' with mode = \"supervised\"");
  if (options_.mode == "semi-supervised" && data.labels().max().item<std::int64_t>() < 0)
    throw DataError(data.name() +
                    ": no sample has a label, and learner 'lgaa' with mode = \"semi-supervised\" draws of a set again "
                    "what it met labelled. Label some, or use mode = \"unsupervised\"");
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

at::Tensor Lgaa::squared_error(at::Tensor const& a, at::Tensor const& b) { return (a - b).square().flatten(1).sum(1); }

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
  static std::vector<Metric> const without_labels = {
      {"squared_error"}, {"kl"}, {"domain_accuracy", true}, {"psnr", true}, {"ssim", true}};
  std::size_t const less = has_ssim(shape_.input) ? 0 : 1;
  if (!knows_labels()) return std::span(without_labels).first(without_labels.size() - less);
  return std::span(list).first(encodes() ? list.size() - less : 2);
}

at::Tensor Lgaa::measure(Batch const& batch, Output const& output) {
  auto const& more = output.more;
  auto const of = [&](std::string_view name) -> at::Tensor {
    if (name == "accuracy") return active_logits(batch, output.logits).argmax(1).eq(batch.y());
    if (name == "domain_accuracy")
      return batch.task_known() ? more.at("domains").argmax(1).eq(batch.task())
                                : at::full({}, std::numeric_limits<double>::quiet_NaN(), batch.x.options());
    if (name == "kl") return standard_kl({.mu = more.at("mu"), .logvar = more.at("logvar"), .z = {}});
    auto const& made = more.at("pixels");
    if (name == "squared_error") return squared_error(made, batch.x);
    return name == "psnr" ? psnr_of_each(made, batch.x) : ssim_of_each(made, batch.x);
  };
  std::vector<at::Tensor> sums;
  for (auto const& metric : metrics()) sums.push_back(of(metric.name).sum().to(at::kDouble));
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

at::Tensor Lgaa::classes_of(at::Tensor const& x, at::Tensor const& possible) const {
  at::NoGradGuard const no_grad;
  auto logits = net_.category.forward(x, kFixed);
  if (possible.defined()) logits = logits.masked_fill(possible.logical_not(), kAbsent);
  return logits.argmax(1);
}

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
