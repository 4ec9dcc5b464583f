#include "mneme/strategies/teacher.hpp"

#include <torch/types.h>

#include "mneme/nets/random.hpp"

namespace mneme {

void Teacher::take(Learner const& learner) {
  at::NoGradGuard const no_grad;
  auto const keep = [](at::Tensor& row, at::Tensor const& now) {
    if (row.defined())
      row.copy_(now);
    else if (now.numel() > 0)
      row = now.clone();
  };
  keep(values_, learner.parameters().value());
  keep(buffers_, learner.parameters().buffers());
}

void Teacher::disturb(ParameterArena const& arena, double by, at::Generator& noise) {
  at::NoGradGuard const no_grad;
  for (auto const& segment : arena.segments()) {
    auto const own = segment.of(values_);
    own.add_(draw_normal(own.sizes(), noise, own.device()) * (by * own.std(false)));
  }
}

void Teacher::clear() {
  values_ = buffers_ = at::Tensor();
  learner_.reset();
}

Learner& Teacher::net(Learner const& like) {
  if (learner_) return *learner_;
  at::NoGradGuard const no_grad;
  learner_ = like.snapshot();
  auto const adopt = [](at::Tensor& row, at::Tensor const& own) {
    if (row.defined()) row = own.copy_(row);  // not a second copy
  };
  adopt(values_, learner_->parameters().value());
  adopt(buffers_, learner_->parameters().buffers());
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
  if (archive.loading() ? archive.has("teacher-buffers") : buffers_.defined())
    archive.field("teacher-buffers", buffers_);
}

}  // namespace mneme
