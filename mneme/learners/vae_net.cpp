#include "mneme/learners/vae_net.hpp"

#include <torch/types.h>

#include "mneme/core/errors.hpp"
#include "mneme/core/text.hpp"

namespace mneme {
namespace {

std::deque<Linear> hidden_layers(ParameterArena& arena, std::string const& name, std::int64_t inputs,
                                 VaeOptions const& options) {
  std::deque<Linear> layers;
  for (std::int64_t i = 0; i < options.layers; ++i)
    layers.emplace_back(arena, name + ".fc" + std::to_string(i + 1), i == 0 ? inputs : options.hidden, options.hidden,
                        Activation::kRelu);
  return layers;
}

/// mu + sigma epsilon.
at::Tensor code_at(at::Tensor const& mu, at::Tensor const& logvar, at::Tensor const& epsilon) {
  return at::addcmul(mu, (logvar * 0.5).exp(), epsilon);
}

}  // namespace

std::int64_t VaeOptions::parameters(std::int64_t inputs) const {
  auto const between = (layers - 1) * (hidden * hidden + hidden);
  auto const encoder = inputs * hidden + hidden + between + 2 * (hidden * latent + latent);
  return encoder + latent * hidden + hidden + between + hidden * inputs + inputs;
}

VaeNet::VaeNet(ParameterArena& arena, std::int64_t inputs, VaeOptions const& options, std::string const& prefix)
    : encoder_(hidden_layers(arena, prefix + "encoder", inputs, options)),
      mu_(arena, prefix + "encoder.mu", options.hidden, options.latent),
      logvar_(arena, prefix + "encoder.logvar", options.hidden, options.latent),
      decoder_(hidden_layers(arena, prefix + "decoder", options.latent, options)),
      pixels_(arena, prefix + "decoder.pixels", options.hidden, inputs),
      latent_(options.latent) {}

void VaeNet::initialise(at::Generator& generator) const {
  for (auto const& layer : encoder_) layer.initialise(generator);
  mu_.initialise(generator);
  logvar_.initialise(generator);
  for (auto const& layer : decoder_) layer.initialise(generator);
  pixels_.initialise(generator);
}

at::Tensor VaeNet::encode(at::Tensor const& x) const {
  auto h = x;
  for (auto const& layer : encoder_) h = layer.forward(h);
  return h;
}

VaeNet::Code VaeNet::code(at::Tensor const& hidden, at::Tensor const& epsilon) const {
  auto const mu = mu_.forward(hidden), logvar = logvar_.forward(hidden);
  return {.mu = mu, .logvar = logvar, .z = code_at(mu, logvar, epsilon)};
}

at::Tensor VaeNet::decode(at::Tensor const& z, Gates const* gates) const {
  auto h = z;
  for (std::size_t i = 0; i < decoder_.size(); ++i) {
    h = decoder_[i].forward(h);
    if (gates && i < gates->size() && (*gates)[i].defined()) h = h * (*gates)[i];
  }
  return pixels_.forward(h);
}

at::Tensor sample_code(at::Tensor const& mu, at::Tensor const& logvar, at::Generator& noise) {
  return code_at(mu, logvar, draw_normal(mu.sizes(), noise, mu.device()));
}

at::Tensor pixel_loss(at::Tensor const& logits, at::Tensor const& x) {
  return at::binary_cross_entropy_with_logits(logits, x, {}, {}, at::Reduction::None).sum(1);
}

at::Tensor standard_kl(VaeNet::Code const& code) {
  return (code.logvar + 1 - code.mu.square() - code.logvar.exp()).sum(1) * -0.5;
}

void check_unit_range(Dataset const& data, std::string const& learner) {
  if (data.size() == 0 || data.data().scalar_type() == at::kByte) return;  // bytes become [0, 1]
  auto const [low, high] = at::aminmax(data.data());
  if (low.item<double>() >= 0 && high.item<double>() <= 1) return;
  throw DataError(data.name() + ": values from " + format_number(low.item<double>()) + " to " +
                  format_number(high.item<double>()) + ", but " + learner +
                  " models values from 0 to 1; scale the data, or use another learner");
}

Shape with_count(std::int64_t n, Shape const& shape) {
  Shape full = {n};
  full.insert(full.end(), shape.begin(), shape.end());
  return full;
}

}  // namespace mneme
