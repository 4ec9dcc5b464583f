// The nets of the Lifelong Generative Adversarial Autoencoder, for images of any size and number of channels. w scales
// the widths, h and b are a quarter of the side rounded up; BN: batch normalisation, L: leaky ReLU 0.2.
//
// networks = "l-vaegan", those for 28 x 28 images of the authors' L-VAEGAN code:
//
//   generator   [z, u, a] -> FC 1024 w, BN, ReLU -> FC h b 128 w, BN, ReLU -> transposed Conv 4x4 stride 2, 64 w maps,
//               BN, ReLU -> transposed Conv 4x4 stride 2, sigmoid; cut to the image's size
//   critic      Conv 4x4 stride 2, 64 w, L -> Conv 4x4 stride 2, 128 w, L -> FC 1024 w, L -> 1
//   encoder     Conv 4x4 stride 2, 64 w, L -> Conv 4x4 stride 2, 128 w, BN, L -> FC 1024 w, BN, L -> FC 64, BN, L
//               -> mu, log sigma^2
//   category    Conv 5x5, 32 w, BN, ReLU, pool -> Conv 5x5, 64 w, BN, ReLU, pool -> FC 1024 w, BN, ReLU, dropout
//               -> classes
//   domain      of images: the trunk of the encoder, without BN, -> FC 64, L -> domains
//               of codes z: FC 200, L -> FC 100, L -> domains
//
// networks = "lgaa", those for 32 x 32 x 3 images of the released code, where they differ:
//
//   generator   [z, u, a] -> FC h b 256 w, BN, ReLU -> four transposed Conv 3x3, 256 w maps, BN, ReLU, of stride 2, 1,
//               2 and 1 -> transposed Conv 3x3, sigmoid (released: tanh); about 1.9 GFLOP an image: for a GPU
//   critic, encoder, domain of images
//               Conv 3x3 stride 2, 64 w, L -> the same with 128 w, 256 w and 512 w, BN, L -> FC 1024 w, L -> 1 or
//               mu, log sigma^2 or domains; BN in the encoder alone
//
// The critic has no batch normalisation, which would mix samples and spoil the gradient penalty; critic_norm puts it,
// or layer normalisation, where the encoder has BN. Where the original's q(a|x) has batch normalisation it is left out:
// a batch holds one domain at first and two or more later.
#pragma once

#include "mneme/core/options.hpp"
#include "mneme/learners/learner.hpp"
#include "mneme/nets/stack.hpp"

namespace mneme {

struct LgaaNetOptions {
  std::string networks = "l-vaegan";
  double width = 1.0;
  std::int64_t latent = 32;
  std::int64_t domains = 4;
  bool norm = true;
  std::string critic_norm = "none";
  double dropout = 0.5;
  std::string domain_from = "image";
  void describe(OptionVisitor& v);
};

struct LgaaNet {
  /// Segments begin with "generator.", "critic.", "encoder.", "category.", "domain.". Throws ConfigError for samples
  /// that are no images.
  LgaaNet(ParameterArena& arena, LearnerShape const& shape, LgaaNetOptions const& options);
  void initialise(at::Generator& generator) const;

  /// Images [N, C, H, W] in [0, 1] of codes z [N, latent], u [N, classes], a [N, domains].
  [[nodiscard]] at::Tensor generate(at::Tensor const& z, at::Tensor const& u, at::Tensor const& a,
                                    Pass const& pass) const;
  struct Gaussian {
    at::Tensor mu, logvar;  // [N, latent]
  };
  [[nodiscard]] Gaussian encode(at::Tensor const& x, Pass const& pass) const;
  /// Logits of q(a|.) [N, domains]: of images x, or of codes z, as the options say.
  [[nodiscard]] at::Tensor domains(at::Tensor const& x, at::Tensor const& z, Pass const& pass) const;

  Stack generator, critic, encoder, category, domain;
  bool domain_of_image;

 private:
  std::int64_t latent_, height_, width_;
};

}  // namespace mneme
