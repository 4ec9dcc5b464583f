#include "mneme/learners/progressive_vae.hpp"

#include <c10/util/accumulate.h>
#include <torch/types.h>

namespace mneme {
namespace {

ProgressiveOptions net_options(ProgressiveVaeOptions const& options) {
  return {.hidden = std::vector<std::int64_t>(static_cast<std::size_t>(options.layers), options.hidden),
          .lateral = options.lateral};
}

}  // namespace

void ProgressiveVaeOptions::describe(OptionVisitor& v) {
  VaeOptions::describe(v);
  v.field("lateral", lateral,
          {.help = "what a new column reads old ones through", .choices = {"adapter", "linear", "none"}});
}

ProgressiveVae::ProgressiveVae(LearnerShape const& shape, ProgressiveVaeOptions const& options, at::Generator* init)
    : ElboLearner(shape.device),
      shape_(shape),
      options_(options),
      encoder_(parameters(), c10::multiply_integers(shape.input), net_options(options), 2 * options.latent, "encoder."),
      decoder_(parameters(), options.latent, net_options(options), c10::multiply_integers(shape.input), "decoder.") {
  parameters().allocate();
  if (init) initialise(*init);
}

void ProgressiveVae::initialise(at::Generator& generator) {
  encoder_.initialise(generator);
  decoder_.initialise(generator);
}

Output ProgressiveVae::forward(Batch const& batch, ForwardContext const& context, at::Generator& noise) {
  auto const encoded = encoder_.forward(batch.x.flatten(1), context);
  auto const mu = encoded.logits.narrow(1, 0, options_.latent);
  auto const logvar = encoded.logits.narrow(1, options_.latent, options_.latent);
  auto const epsilon = draw_normal(mu.sizes(), noise, mu.device());
  auto const decoded = decoder_.forward(at::addcmul(mu, (logvar * 0.5).exp(), epsilon), context);
  return {.logits = decoded.logits, .features = encoded.features, .more = {{"mu", mu}, {"logvar", logvar}}};
}

void ProgressiveVae::add_column(std::function<void(std::string, Shape)> const& append, at::Generator& generator) {
  encoder_.add_column(append, generator);
  decoder_.add_column(append, generator);
}

void ProgressiveVae::select(std::int64_t column) {
  encoder_.select(column);
  decoder_.select(column);
}

std::vector<int> ProgressiveVae::segments(std::int64_t column) const {
  auto list = encoder_.segments(column);
  auto const rest = decoder_.segments(column);
  list.insert(list.end(), rest.begin(), rest.end());
  return list;
}

at::Tensor ProgressiveVae::sample(std::int64_t n, at::Generator& noise) {
  at::NoGradGuard const no_grad;
  auto const z = draw_normal({n, options_.latent}, noise, shape_.device);
  return decoder_.forward(z, {}).logits.sigmoid().view(with_count(n, shape_.input));
}

at::Tensor ProgressiveVae::reconstruct(at::Tensor const& x, at::Generator& noise) {
  at::NoGradGuard const no_grad;
  return forward(Batch(x, {}), {}, noise).logits.sigmoid().view(x.sizes());
}

std::unique_ptr<Learner> ProgressiveVae::snapshot() const {
  auto copy = std::make_unique<ProgressiveVae>(shape_, options_, nullptr);
  copy_values_to(*copy);
  return copy;
}

}  // namespace mneme
