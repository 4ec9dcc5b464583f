// The net of a variational autoencoder: fully connected ReLU layers around a Gaussian code.
//
//   encoder  D -> hidden (ReLU) x layers -> mu, log sigma^2 [latent];  z = mu + exp(log sigma^2 / 2) eps, eps ~ N(0, I)
//   decoder  latent -> hidden (ReLU) x layers -> D logits, sigmoid
#pragma once

#include <deque>

#include "mneme/core/options.hpp"
#include "mneme/learners/learner.hpp"
#include "mneme/nets/layers.hpp"

namespace mneme {

struct VaeOptions {
  std::int64_t hidden = 400;
  std::int64_t latent = 20;
  std::int64_t layers = 1;
  void describe(OptionVisitor& v) {
    v.field("hidden", hidden, {.help = "width of the hidden layers of encoder and decoder", .unit = "units", .min = 1});
    v.field("latent", latent, {.help = "dimensions of the code z", .min = 1});
    v.field("layers", layers, {.help = "hidden layers of the encoder, and of the decoder", .min = 1, .max = 100});
  }
  /// Parameters of the net for samples of so many values.
  [[nodiscard]] std::int64_t parameters(std::int64_t inputs) const;
};

class VaeNet {
 public:
  struct Code {
    at::Tensor mu, logvar, z;  // [N, latent]
  };

  /// Segments are named "<prefix>encoder.fc1.weight", …, "<prefix>encoder.mu.weight", "<prefix>encoder.logvar.weight",
  /// "<prefix>decoder.fc1.weight", …, "<prefix>decoder.pixels.weight" and likewise ".bias".
  VaeNet(ParameterArena& arena, std::int64_t inputs, VaeOptions const& options, std::string const& prefix = "");
  void initialise(at::Generator& generator) const;

  /// Last hidden layer of the encoder [N, hidden] for x [N, D].
  [[nodiscard]] at::Tensor encode(at::Tensor const& x) const;
  /// Of the last hidden layer [N, hidden] and standard normal numbers [N, latent].
  [[nodiscard]] Code code(at::Tensor const& hidden, at::Tensor const& epsilon) const;
  [[nodiscard]] std::int64_t latent() const { return latent_; }
  /// Logits [N, D] for codes [N, latent]; gates multiply the decoder's hidden layers.
  [[nodiscard]] at::Tensor decode(at::Tensor const& z, Gates const* gates = nullptr) const;

 private:
  std::deque<Linear> encoder_;  // a node of the graph points at its layer: addresses must stay
  Linear mu_, logvar_;
  std::deque<Linear> decoder_;
  Linear pixels_;
  std::int64_t latent_;
};

/// z = mu + sigma eps [N, latent], eps ~ N(0, I).
[[nodiscard]] at::Tensor sample_code(at::Tensor const& mu, at::Tensor const& logvar, at::Generator& noise);
/// -log p(x | z) [N] in nats: binary cross-entropy summed over the pixels; x [N, D] in [0, 1].
[[nodiscard]] at::Tensor pixel_loss(at::Tensor const& logits, at::Tensor const& x);
/// KL(N(mu, sigma^2) || N(0, I)) [N] = -1/2 sum(1 + log sigma^2 - mu^2 - sigma^2).
[[nodiscard]] at::Tensor standard_kl(VaeNet::Code const& code);
/// Throws DataError unless the data is bytes or within [0, 1], which is what a Bernoulli decoder models.
void check_unit_range(Dataset const& data, std::string const& learner);
/// [n, shape...]
[[nodiscard]] Shape with_count(std::int64_t n, Shape const& shape);

}  // namespace mneme
