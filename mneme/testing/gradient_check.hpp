// Gradient check: a learner's gradient in the arena against differences of its loss, segment by segment.
//
// In each segment two directions v are tried, the gradient's own and a random one:
//   (L(theta + h v) - L(theta - h v)) / 2h   against   g . v
// The arena is float32, so L is averaged over nothing but computed twice per step width; with h = 1e-2 about four digits
// agree for a smooth net, fewer where a step crosses the kink of a ReLU.
#pragma once

#include <cstdint>
#include <string>

#include "mneme/learners/learner.hpp"

namespace mneme {

struct GradientCheck {
  double worst = 0;     // largest |difference - g.v| over segments, relative to max(|g.v|, `floor` of the call)
  std::string segment;  // where
};

/// Parameters are put back, the arena's gradient is left with the checked one. Noise restarts from `seed` for every loss.
[[nodiscard]] GradientCheck check_gradient(Learner& learner, Batch const& batch, std::uint64_t seed = 0,
                                           double step = 1e-2, double floor = 1e-2);

}  // namespace mneme
