#include "mneme/strategies/teacher.hpp"

#include <torch/types.h>

namespace mneme {

void Teacher::take(Learner const& learner) {
  at::NoGradGuard const no_grad;
  auto const& theta = learner.parameters().value();
  if (empty())
    values_ = theta.clone();
  else
    values_.copy_(theta);
}

void Teacher::clear() {
  values_ = at::Tensor();
  learner_.reset();
}

Learner& Teacher::net(EventContext const& context) {
  if (learner_) return *learner_;
  at::NoGradGuard const no_grad;
  learner_ = context.learner.snapshot();
  auto const& row = learner_->parameters().value();
  row.copy_(values_);
  values_ = row;  // not a second copy
  return *learner_;
}

Output Teacher::forward(Batch const& batch, EventContext const& context) {
  at::NoGradGuard const no_grad;
  auto const gates = context.gates(batch);
  return net(context).forward(batch, {.training = false, .gates = &gates}, context.streams->get("teacher"));
}

void Teacher::grown(Growth const& growth) {
  learner_.reset();
  if (!empty()) values_ = growth.carry(values_);
}

void Teacher::state(Archive& archive) {
  if (archive.loading()) learner_.reset();
  archive.field("teacher", values_);
}

}  // namespace mneme
