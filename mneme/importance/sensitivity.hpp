// How sensitive the learner's output is to each parameter (memory aware synapses):
//
//   Omega_i = (1/N) sum_n | d ||f(x_n)||^2 / d theta_i |         squared
//   Omega_i = (1/N) sum_n | d ||f(x_n)||   / d theta_i |         not squared
//
// f(x) are the outputs that take part in the softmax, before it; what a VAE's decoder gives before the sigmoid. No
// labels are read. The absolute value is of every sample's gradient, at the cost of one forward and one backward pass:
// a Linear layer's sum over samples is |delta|' |a|. With `batch_mean` it is of a batch's mean gradient, as in several
// peers: signs cancel within a batch, and the result depends on its size.
#pragma once

#include "mneme/importance/fisher.hpp"

namespace mneme {

struct SensitivityForm {
  bool squared = true;
  bool batch_mean = false;
};

/// Norm of the outputs of every sample [n].
[[nodiscard]] at::Tensor output_norm(Batch const& batch, Output const& output, bool squared);

/// Omega [P]; of the request's options `samples` and `batch` count. Throws NumericError if a value is not finite.
[[nodiscard]] at::Tensor output_sensitivity(ImportanceRequest request, SensitivityForm const& form = {});

}  // namespace mneme
