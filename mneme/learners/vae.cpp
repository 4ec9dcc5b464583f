#include "mneme/learners/vae.hpp"

#include <c10/util/accumulate.h>
#include <torch/types.h>

namespace mneme {
Vae::Vae(Shape input, VaeOptions const& options, at::Device device, at::Generator* init)
    : Learner(device),
      input_(std::move(input)),
      options_(options),
      net_(parameters(), c10::multiply_integers(input_), options) {
  parameters().allocate();
  if (init) initialise(*init);
}

Output Vae::forward(Batch const& batch, ForwardContext const&, at::Generator& noise) {
  auto const h = net_.encode(batch.x.flatten(1));
  auto const code = net_.code(h, draw_normal({h.size(0), options_.latent}, noise, h.device()));
  return {.logits = net_.decode(code.z), .features = h, .more = {{"mu", code.mu}, {"logvar", code.logvar}}};
}

Vae::Parts Vae::parts(Batch const& batch, Output const& output) {
  return {.bce = pixel_loss(output.logits, batch.x.flatten(1)),
          .kl = standard_kl({.mu = output.more.at("mu"), .logvar = output.more.at("logvar"), .z = {}})};
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
  return net_.decode(z).sigmoid().view(with_count(n, input_));
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
