// The fully connected conditional VAE of toy data in float64.
#pragma once

#include "mneme/testing/toy.hpp"
#include "tests/nets/oracle.hpp"

namespace mneme::test {

inline constexpr std::int64_t kLatent = 2;

/// Images [N, D] in double of codes z [N, latent] and labels int64 [N].
inline at::Tensor decoded(Oracle const& o, at::Tensor const& z, at::Tensor const& labels) {
  auto const zc = at::cat({z.to(at::kDouble), at::one_hot(labels, toy::kClasses).to(at::kDouble)}, 1);
  return o.linear("decoder.pixels", o.linear("decoder.fc2", o.linear("decoder.fc1", zc).relu()).relu()).sigmoid();
}

/// -ELBO [N] in double.
inline at::Tensor elbo(Oracle const& o, at::Tensor const& images, at::Tensor const& labels, at::Tensor const& epsilon) {
  auto const x = images.flatten(1).to(at::kDouble), c = at::one_hot(labels, toy::kClasses).to(at::kDouble);
  auto const h = o.linear("encoder.fc2", o.linear("encoder.fc1", at::cat({x, c}, 1)).relu()).relu();
  auto const mu = o.linear("encoder.mu", h), logvar = o.linear("encoder.logvar", h);
  auto const p = decoded(o, mu + (logvar / 2).exp() * epsilon.to(at::kDouble), labels);
  return -(x * p.log() + (1 - x) * (1 - p).log()).sum(1) - 0.5 * (1 + logvar - mu.square() - logvar.exp()).sum(1);
}

}  // namespace mneme::test
