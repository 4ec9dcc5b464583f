#include "mneme/learners/vae.hpp"

#include <c10/util/accumulate.h>
#include <torch/types.h>

#include "mneme/core/errors.hpp"
#include "mneme/core/text.hpp"

namespace mneme {
namespace {

Shape with_count(std::int64_t n, Shape const& shape) {
  Shape full = {n};
  full.insert(full.end(), shape.begin(), shape.end());
  return full;
}

}  // namespace

Vae::Vae(Shape input, VaeOptions const& options, at::Device device, at::Generator* init)
    : Learner(device),
      input_(std::move(input)),
      options_(options),
      encoder_(parameters(), "encoder.fc1", c10::multiply_integers(input_), options.hidden, Activation::kRelu),
      mu_(parameters(), "encoder.mu", options.hidden, options.latent),
      logvar_(parameters(), "encoder.logvar", options.hidden, options.latent),
      decoder_(parameters(), "decoder.fc1", options.latent, options.hidden, Activation::kRelu),
      pixels_(parameters(), "decoder.pixels", options.hidden, c10::multiply_integers(input_)) {
  parameters().allocate();
  if (init) initialise(*init);
}

void Vae::initialise(at::Generator& generator) {
  for (auto const* layer : {&encoder_, &mu_, &logvar_, &decoder_, &pixels_}) layer->initialise(generator);
}

void Vae::check(Dataset const& data) const {
  if (data.size() == 0 || data.data().scalar_type() == at::kByte) return;  // bytes become [0, 1]
  auto const [low, high] = at::aminmax(data.data());
  if (low.item<double>() >= 0 && high.item<double>() <= 1) return;
  throw DataError(data.name() + ": values from " + format_number(low.item<double>()) + " to " +
                  format_number(high.item<double>()) +
                  ", but a vae models values from 0 to 1; scale the data, or use another learner");
}

at::Tensor Vae::decode(at::Tensor const& z) const { return pixels_.forward(decoder_.forward(z)); }

Output Vae::forward(Batch const& batch, ForwardContext const&, at::Generator& noise) {
  auto const h = encoder_.forward(batch.x.flatten(1));
  auto const mu = mu_.forward(h), logvar = logvar_.forward(h);
  auto const epsilon = draw_normal(mu.sizes(), noise, mu.device());
  auto const z = at::addcmul(mu, (logvar * 0.5).exp(), epsilon);
  return {.logits = decode(z), .features = h, .more = {{"mu", mu}, {"logvar", logvar}}};
}

Vae::Parts Vae::parts(Batch const& batch, Output const& output) {
  auto const x = batch.x.flatten(1);
  auto const& mu = output.more.at("mu");
  auto const& logvar = output.more.at("logvar");
  return {.bce = at::binary_cross_entropy_with_logits(output.logits, x, {}, {}, at::Reduction::None).sum(1),
          .kl = (logvar + 1 - mu.square() - logvar.exp()).sum(1) * -0.5};
}

at::Tensor Vae::per_sample_loss(Batch const& batch, Output const& output) {
  auto const p = parts(batch, output);
  return p.bce + p.kl;
}

std::map<std::string, at::Tensor> Vae::loss_parts(Batch const& batch, Output const& output) {
  at::NoGradGuard const no_grad;
  auto const p = parts(batch, output);
  return {{"bce", p.bce.mean()}, {"kl", p.kl.mean()}};
}

std::span<Metric const> Vae::metrics() const {
  static std::vector<Metric> const list = {{"negative_elbo"}, {"bce"}, {"kl"}, {"squared_error"}};
  return list;
}

at::Tensor Vae::measure(Batch const& batch, Output const& output) {
  auto const p = parts(batch, output);
  auto const squared = (output.logits.sigmoid() - batch.x.flatten(1)).square().sum();
  auto const bce = p.bce.sum().to(at::kDouble), kl = p.kl.sum().to(at::kDouble);
  return at::stack({bce + kl, bce, kl, squared.to(at::kDouble)});
}

at::Tensor Vae::sample(std::int64_t n, at::Generator& noise) {
  at::NoGradGuard const no_grad;
  auto const z = draw_normal({n, options_.latent}, noise, parameters().device());
  return decode(z).sigmoid().view(with_count(n, input_));
}

at::Tensor Vae::reconstruct(at::Tensor const& x, at::Generator& noise) {
  at::NoGradGuard const no_grad;
  Batch const batch(x, {});
  return forward(batch, {}, noise).logits.sigmoid().view(x.sizes());
}

std::unique_ptr<Learner> Vae::snapshot() const {
  auto copy = std::make_unique<Vae>(input_, options_, parameters().device(), nullptr);
  copy_values_to(*copy);
  return copy;
}

}  // namespace mneme
