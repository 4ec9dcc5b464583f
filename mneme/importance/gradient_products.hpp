// Inner products of per-sample gradients: all cosines between the samples of a batch, without a gradient of the size of
// the parameters for any of them.
//
// A Linear layer's gradient of sample n is the outer product of its output gradient d_n and its input a_n, so that
//   <g_n, g_m> = sum over layers of <d_n, d_m> (<a_n, a_m> + 1)        (the 1 is the bias)
// Convolutions form their per-sample gradients for a few output channels at a time.
#pragma once

#include "mneme/learners/learner.hpp"

namespace mneme {

/// [N, N]: <g_n, g_m>, g_n the gradient of sample n's own loss, in evaluation mode. Where the net has parameters
/// outside Mneme's layers, or uses a layer twice, from one backward pass a sample and N rows [P]. `scratch` [P] may be
/// written to; the arena's gradient stays as it is.
[[nodiscard]] at::Tensor gradient_products(Learner& learner, Batch const& batch, at::Tensor const& scratch,
                                           at::Generator& noise);

}  // namespace mneme
