#include "mneme/learners/learner.hpp"

#include <torch/types.h>

#include <limits>

#include "mneme/core/errors.hpp"

namespace mneme {

void check_labels(Dataset const& data, std::string const& who) {
  if (data.size() == 0 || data.labels().min().item<std::int64_t>() >= 0) return;
  throw DataError(data.name() + ": samples without a label (-1), which " + who +
                  " cannot do without; label them, leave them out, or use the learner lgaa with mode = "
                  "\"semi-supervised\" (some are labelled) or "
                  "\"unsupervised\" (none is)");
}

at::Tensor active_of(Batch const& batch, std::int64_t outputs) {
  if (!batch.active.defined()) return {};
  auto const missing = outputs - batch.active.size(-1);
  return missing > 0 ? at::constant_pad_nd(batch.active, {0, missing}) : batch.active;
}

at::Tensor active_logits(Batch const& batch, at::Tensor const& logits) {
  auto const active = active_of(batch, logits.size(1));
  if (!active.defined()) return logits;
  return logits.masked_fill(active.logical_not(), -std::numeric_limits<float>::infinity());
}

void Learner::initialise(at::Generator&) {
  throw ConfigError("learner '" + kind() + "' cannot be begun anew: it does not implement initialise()");
}

std::span<Phase const> Learner::phases() const {
  static std::vector<Phase> const one = {{.name = "train", .segments = {}}};
  return one;
}

at::Tensor Learner::loss(Phase const&, Batch const& batch, Output const& output) {
  auto const each = per_sample_loss(batch, output);
  return batch.weight.defined() ? (each * batch.weight).sum() / batch.weight.sum() : each.mean();
}

std::map<std::string, at::Tensor> Learner::loss_parts(Batch const&, Output const&) { return {}; }

void Learner::gradient(Batch const& batch, at::Tensor const& row, at::Generator& noise, Gates const& gates) {
  GradientSink sink(parameters_, row, Reduction::kSum);
  ParameterArena::Redirect const redirect(parameters_, sink);
  at::AutoGradMode const grad(true);
  parameters_.begin_gradient();
  auto const output = forward(batch, {.training = false, .gates = &gates}, noise);
  loss(phases().front(), batch, output).backward();
  parameters_.finish_gradient();
}

void Learner::copy_values_to(Learner& other) const {
  at::NoGradGuard const no_grad;
  auto& to = other.parameters_;
  int id = 0;
  for (auto const& segment : parameters_.segments()) {  // ours may have grown since it was built
    if (static_cast<std::size_t>(id) == to.segments().size()) to.append(segment.name, segment.shape);
    if (to.segment(id).shape != segment.shape) to.resize(id, segment.shape);
    ++id;
  }
  to.value().copy_(parameters_.value());
  to.buffers().copy_(parameters_.buffers());
}

}  // namespace mneme
