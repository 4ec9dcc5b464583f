#include "mneme/testing/gradient_check.hpp"

#include <torch/autograd.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace mneme {

GradientCheck check_gradient(Learner& learner, Batch const& batch, std::uint64_t seed, double step) {
  auto& arena = learner.parameters();
  RandomStreams const streams(seed);
  auto directions = streams.fresh("directions");
  auto const buffers = arena.buffers().clone();
  auto const loss = [&] {
    auto noise = streams.fresh("noise");
    auto const output = learner.forward(batch, {.training = true, .gates = nullptr}, noise);
    return learner.loss(learner.phases().front(), batch, output);
  };
  {
    at::AutoGradMode const grad(true);
    arena.begin_gradient();
    loss().backward();
    arena.finish_gradient();
  }
  at::NoGradGuard const no_grad;
  double const smallest = std::abs(loss().item<double>()) / 1000;  // shorter ones drown in the rounding of L
  GradientCheck check;
  for (auto const& segment : arena.segments()) {
    auto const theta = segment.of(arena.value()).view(-1);
    auto const gradient = segment.of(arena.grad()).view(-1);
    auto const kept = theta.clone();
    auto const random = at::randn({segment.size}, directions, at::kFloat);
    for (auto const& direction : {gradient, random}) {
      auto const v = direction / direction.norm().clamp_min(1e-12);
      auto const at_distance = [&](double h) {
        theta.copy_(kept).add_(v, h);
        return loss().item<double>();
      };
      double const slope = gradient.dot(v).item<double>();
      double const scale = std::max({gradient.norm().item<double>(), smallest, 1e-12});
      // A kink inside one distance is outside a shorter one, and rounding fades over a longer one; a wrong gradient is
      // wrong at each.
      double error = std::numeric_limits<double>::infinity();
      for (double const h : {step / 5, step, 3 * step})
        error = std::min(error, std::abs((at_distance(h) - at_distance(-h)) / (2 * h) - slope) / scale);
      theta.copy_(kept);
      if (error > check.worst) check = {error, segment.name};
    }
  }
  arena.buffers().copy_(buffers);
  return check;
}

}  // namespace mneme
