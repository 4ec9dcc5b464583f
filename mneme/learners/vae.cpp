#include "mneme/learners/vae.hpp"

#include <c10/util/accumulate.h>
#include <torch/types.h>

namespace mneme {
Vae::Vae(Shape input, VaeOptions const& options, at::Device device, at::Generator* init)
    : ElboLearner(device),
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
