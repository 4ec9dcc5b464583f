// Gradient check: a learner's gradient in the arena against differences of its loss, segment by segment.
//
// In each segment two directions v of length 1 are tried, the gradient's own and a random one:
//   (L(theta + h v) - L(theta - h v)) / 2h   against   g . v
// at a third of the step, the step and three times it, of which the nearest counts. The arena is float32, so two to
// three digits agree: fewer with a smaller h (rounding of L), fewer with a larger one (curvature, kinks of ReLUs). A
// wrong factor, a forgotten term or a gradient in the wrong place is far outside.
#pragma once

#include <cstdint>
#include <string>

#include "mneme/learners/learner.hpp"

namespace mneme {

struct GradientCheck {
  double worst = 0;     // largest |difference - g.v| over segments, relative to max(|g| of the segment, L / 1000)
  std::string segment;  // where
};

/// Parameters are put back, the arena's gradient is left with the checked one. Noise restarts from `seed` for every
/// loss.
[[nodiscard]] GradientCheck check_gradient(Learner& learner, Batch const& batch, std::uint64_t seed = 0,
                                           double step = 5e-3);

}  // namespace mneme
