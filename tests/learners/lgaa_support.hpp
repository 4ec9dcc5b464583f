// A small lifelong generative adversarial autoencoder for its tests, and batches for it.
#pragma once

#include <ATen/CPUGeneratorImpl.h>
#include <torch/types.h>

#include <memory>

#include "mneme/learners/lgaa.hpp"
#include "mneme/learners/vae_net.hpp"

namespace mneme::test {

inline at::Generator seeded(std::uint64_t seed) { return at::detail::createCPUGenerator(seed); }

inline std::unique_ptr<Lgaa> small(LgaaOptions options = LgaaOptions(), Shape const& image = {1, 8, 8}) {
  auto init = seeded(5);
  options.net.width = 0.05;
  options.net.latent = 3;
  return std::make_unique<Lgaa>(LearnerShape{image, 4, at::kCPU}, options, &init);
}

inline Batch random_batch(at::Tensor labels, std::int64_t task = 1, Shape const& image = {1, 8, 8}) {
  auto g = seeded(6);
  return {at::rand(with_count(labels.size(0), image), g, at::kFloat), labels, task, Visibility{}};
}
inline at::Tensor some_labels() { return at::tensor({0, 1, 2, 3, 1, 1}, at::kLong); }

/// The gradient of a phase [P].
inline at::Tensor gradient(Lgaa& learner, std::size_t phase, Batch const& batch, std::uint64_t seed = 7) {
  auto noise = seeded(seed);
  auto& arena = learner.parameters();
  arena.begin_gradient();
  auto const output = learner.forward(batch, {.training = true, .gates = nullptr}, noise);
  learner.loss(learner.phases()[phase], batch, output).backward();
  arena.finish_gradient();
  return arena.grad().clone();
}

}  // namespace mneme::test
