#include "mneme/learners/progressive_vae.hpp"

#include <c10/util/accumulate.h>
#include <torch/types.h>

namespace mneme {
namespace {

ProgressiveOptions net_options(ProgressiveVaeOptions const& options) {
  return {.hidden = std::vector<std::int64_t>(static_cast<std::size_t>(options.layers), options.hidden),
          .lateral = options.lateral};
}

at::Tensor beside(at::Tensor const& x, at::Tensor const& told) { return told.defined() ? at::cat({x, told}, 1) : x; }

}  // namespace

void ProgressiveVaeOptions::describe(OptionVisitor& v) {
  VaeOptions::describe(v);
  v.field("lateral", lateral,
          {.help = "what a new column reads old ones through", .choices = {"adapter", "linear", "none"}});
}

VaeColumns::VaeColumns(LearnerShape const& shape, ProgressiveVaeOptions const& options, std::int64_t conditions,
                       at::Generator* init)
    : ElboLearner(shape.device), shape_(shape), options_(options) {
  auto const pixels = c10::multiply_integers(shape.input);
  auto const add = [&](std::int64_t in, std::int64_t out, std::string const& root) {
    return std::make_unique<Progressive>(parameters(), in + conditions, net_options(options), out, root);
  };
  encoder_ = add(pixels, 2 * options.latent, "encoder.");
  decoder_ = add(options.latent, pixels, "decoder.");
  parameters().allocate();
  if (init) VaeColumns::initialise(*init);
}

void VaeColumns::initialise(at::Generator& generator) {
  encoder_->initialise(generator);
  decoder_->initialise(generator);
}

VaeColumns::Code VaeColumns::code(at::Tensor const& x, at::Tensor const& told, ForwardContext const& context) const {
  auto const encoded = encoder_->forward(beside(x.flatten(1), told), context);
  return {.mu = encoded.logits.narrow(1, 0, options_.latent),
          .logvar = encoded.logits.narrow(1, options_.latent, options_.latent),
          .features = encoded.features};
}

Output VaeColumns::forward(Batch const& batch, ForwardContext const& context, at::Generator& noise) {
  auto const c = told(batch);
  auto const [mu, logvar, features] = code(batch.x, c, context);
  auto const decoded = decoder_->forward(beside(sample_code(mu, logvar, noise), c), context);
  return {.logits = decoded.logits, .features = features, .more = {{"mu", mu}, {"logvar", logvar}}};
}

at::Tensor VaeColumns::images(at::Tensor const& z, at::Tensor const& told) const {
  return decoder_->forward(beside(z, told), {}).logits.sigmoid().view(with_count(z.size(0), shape_.input));
}

void VaeColumns::add_column(std::function<void(std::string, Shape)> const& append, at::Generator& generator) {
  encoder_->add_column(append, generator);
  decoder_->add_column(append, generator);
}

void VaeColumns::select(std::int64_t column) {
  encoder_->select(column);
  decoder_->select(column);
}

std::vector<int> VaeColumns::segments(std::int64_t column) const {
  auto list = encoder_->segments(column);
  auto const rest = decoder_->segments(column);
  list.insert(list.end(), rest.begin(), rest.end());
  return list;
}

// ------------------------------------------------------------------------------------------------------------- plain

at::Tensor ProgressiveVae::sample(std::int64_t n, at::Generator& noise) {
  at::NoGradGuard const no_grad;
  return images(draw_normal({n, options_.latent}, noise, shape_.device), {});
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

// ------------------------------------------------------------------------------------------------------- conditional

at::Tensor ProgressiveCvae::decode(at::Tensor const& z, at::Tensor const& condition) const {
  return images(z, condition);
}

at::Tensor ProgressiveCvae::encode(at::Tensor const& x, at::Tensor const& condition) const {
  at::NoGradGuard const no_grad;
  return code(x, condition, {}).mu;
}

at::Tensor ProgressiveCvae::reconstruct(at::Tensor const& x, at::Tensor const& labels, at::Generator& noise) const {
  at::NoGradGuard const no_grad;
  auto const c = condition(labels);
  auto const [mu, logvar, features] = code(x, c, {});
  return images(sample_code(mu, logvar, noise), c);
}

std::unique_ptr<Learner> ProgressiveCvae::snapshot() const {
  auto copy = std::make_unique<ProgressiveCvae>(shape_, options_, nullptr);
  copy_values_to(*copy);
  return copy;
}

}  // namespace mneme
