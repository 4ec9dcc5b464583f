// The pass over samples that every importance is made by: it picks the samples, cuts them into batches, lets the layers
// reduce per-sample gradients (nets/layers.hpp), and takes one sample at a time where a net does not allow that.
#pragma once

#include "mneme/importance/fisher.hpp"

namespace mneme {

/// What is taken of each gradient.
enum class Power {
  kSquare,    // Fisher information
  kAbsolute,  // sensitivity of an output; wants ImportanceRequest::per_sample_loss
};

/// Mean [P] of the powers of gradients: over samples, or over batches where `options.labels` says so. Absolute values
/// of a batch's mean gradient count once per sample. Throws NumericError if a value is not finite.
[[nodiscard]] at::Tensor importance_pass(ImportanceRequest const& request, Power power);

}  // namespace mneme
