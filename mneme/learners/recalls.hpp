// Recalls: the ability of a generative learner that draws, by domain and class, what it has learnt.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <set>
#include <utility>

namespace mneme {

/// Samples with the codes that they were drawn with.
struct Recalled {
  at::Tensor x;        // [n, ...] in [0, 1]
  at::Tensor labels;   // int64 [n]
  at::Tensor domains;  // int64 [n]
};

/// Points of a latent space: z [N, latent], u [N, C], a [N, domains]; rows of u and a sum to 1.
struct Codes {
  at::Tensor z, u, a;
};

class Recalls {
 public:
  virtual ~Recalls() = default;
  /// n samples of the domains and classes that were learnt: each domain equally often, its classes as often as they
  /// were met in it. ConfigError where nothing was learnt.
  [[nodiscard]] virtual Recalled recall(std::int64_t n, at::Generator& noise) const = 0;
  /// bool [domains, classes] on the CPU: what was met in training; what is drawn again adds nothing to it.
  [[nodiscard]] virtual at::Tensor met() const = 0;
  /// Whether its classes are those of the data: else they are codes that it found without labels.
  [[nodiscard]] virtual bool knows_labels() const = 0;
  /// These (domain, class) count as not met.
  virtual void forget(std::set<std::pair<std::int64_t, std::int64_t>> const& places) = 0;
  /// The most probable classes, int64 [n], of x [n, ...], of those that `possible`, bool [n, C], marks; undefined: of
  /// all.
  [[nodiscard]] virtual at::Tensor classes_of(at::Tensor const& x, at::Tensor const& possible) const = 0;
  /// The most probable domains, int64 [n], of x [n, ...].
  [[nodiscard]] virtual at::Tensor domains_of(at::Tensor const& x) const = 0;
  /// One sample [n, ...] of each of these classes, int64 [n], of these domains, int64 [n].
  [[nodiscard]] virtual at::Tensor draw(at::Tensor const& labels, at::Tensor const& domains,
                                        at::Generator& noise) const = 0;

  [[nodiscard]] virtual std::int64_t latent() const = 0;
  /// Codes z [n, latent] as images are drawn from.
  [[nodiscard]] virtual at::Tensor prior_codes(std::int64_t n, at::Generator& noise) const = 0;
  /// The most probable codes of images x [N, ...], u and a as rows of the identity. z says nothing where `encodes` is
  /// false: a GAN with classifiers.
  [[nodiscard]] virtual Codes infer(at::Tensor const& x) const = 0;
  [[nodiscard]] virtual bool encodes() const = 0;
  /// Images [N, ...] in [0, 1].
  [[nodiscard]] virtual at::Tensor decode(Codes const& codes) const = 0;
};

}  // namespace mneme
