// The nets of a conditional variational autoencoder. The class c, as a row of the identity, is put beside the input of
// both the encoder and the decoder.
//
//   mlp    encoder   [x, c] -> hidden -> hidden / 2 (ReLU) -> mu, log sigma^2
//          decoder   [z, c] -> hidden / 2 -> hidden (ReLU) -> D logits
//   conv   encoder   c as C further maps of the image; Conv 4x4 stride 2 padding 1 to width / 2, then to width maps
//                    (ReLU) -> mu, log sigma^2
//          decoder   [z, c] -> Linear (no activation) -> width maps of a quarter of the side; transposed Conv 4x4
//                    stride 2 padding 1 to width / 2 maps (ReLU), then to the image's
#pragma once

#include <memory>

#include "mneme/core/options.hpp"
#include "mneme/learners/vae_net.hpp"

namespace mneme {

struct CvaeOptions {
  std::string architecture = "mlp";
  std::int64_t latent = 8;
  std::int64_t hidden = 512;
  std::int64_t width = 64;
  double beta = 1.0;
  std::string scale = "mean";
  void describe(OptionVisitor& v);
};

class CvaeNet {
 public:
  virtual ~CvaeNet() = default;
  virtual void initialise(at::Generator& generator) = 0;
  /// Last hidden layer of the encoder [N, H] for images x [N, C, H, W] or [N, D] and conditions c [N, classes].
  [[nodiscard]] virtual at::Tensor hidden(at::Tensor const& x, at::Tensor const& c) const = 0;
  /// mu and log sigma^2 [N, latent] of that layer.
  [[nodiscard]] virtual std::pair<at::Tensor, at::Tensor> code(at::Tensor const& hidden) const = 0;
  /// Logits [N, D] for codes z [N, latent].
  [[nodiscard]] virtual at::Tensor decode(at::Tensor const& z, at::Tensor const& c) const = 0;
};

/// Throws ConfigError where the net does not fit the images.
[[nodiscard]] std::unique_ptr<CvaeNet> make_cvae_net(ParameterArena& arena, LearnerShape const& shape,
                                                     CvaeOptions const& options);

}  // namespace mneme
