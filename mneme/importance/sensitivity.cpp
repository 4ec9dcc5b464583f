#include "mneme/importance/sensitivity.hpp"

#include <torch/types.h>

#include "mneme/importance/pass.hpp"

namespace mneme {

at::Tensor output_norm(Batch const& batch, Output const& output, bool squared) {
  auto f = output.logits.flatten(1);
  if (auto const active = active_of(batch, f.size(1)); active.defined()) f = f.masked_fill(active.logical_not(), 0);
  return squared ? f.square().sum(1) : at::linalg_vector_norm(f, 2, {1});
}

at::Tensor output_sensitivity(ImportanceRequest request, SensitivityForm const& form) {
  request.options.labels = form.batch_mean ? "batch" : "empirical";
  request.per_sample_loss = [squared = form.squared](Batch const& batch, Output const& output) {
    return output_norm(batch, output, squared);
  };
  return importance_pass(request, Power::kAbsolute);
}

}  // namespace mneme
