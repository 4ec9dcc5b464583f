#include "mneme/strategies/quadratic.hpp"

#include <torch/types.h>

namespace mneme {

void MergedQuadratic::add(at::Tensor const& importance, at::Tensor const& anchor) {
  at::NoGradGuard const no_grad;
  if (empty()) {
    importance_ = importance.clone();
    anchor_ = anchor.clone();
    return;
  }
  auto const a = importance_.to(at::kDouble), f = importance.to(at::kDouble);
  auto const m = anchor_.to(at::kDouble), t = anchor.to(at::kDouble);
  auto const sum = a + f;
  // The weighted mean; where nothing matters the anchor is free and the newest is as good as any.
  auto const merged = at::where(sum > 0, (a * m + f * t) / sum.clamp_min(1e-300), t);
  constant_ += (a * (m - merged).square() + f * (t - merged).square()).sum().item<double>();
  importance_.copy_(sum);
  anchor_.copy_(merged);
}

void MergedQuadratic::decay_and_move(double gamma, at::Tensor const& importance, at::Tensor const& anchor) {
  at::NoGradGuard const no_grad;
  constant_ = 0;
  if (empty())
    importance_ = importance.clone();
  else
    importance_.mul_(gamma).add_(importance);
  anchor_ = anchor.clone();
}

at::Tensor MergedQuadratic::value(at::Tensor const& theta) const {
  auto const squared = (theta - anchor_).square_().mul_(importance_).sum(at::kDouble);
  return squared.add_(constant_).mul_(0.5);
}

void MergedQuadratic::add_gradient(at::Tensor const& theta, double scale, at::Tensor const& grad) const {
  auto const plain = [&](at::Tensor const& row) {
    return row.is_cpu() && row.scalar_type() == at::kFloat && row.is_contiguous() && row.sizes() == anchor_.sizes();
  };
  if (!plain(grad) || !plain(theta)) {
    grad.addcmul_(theta - anchor_, importance_, scale);
    return;
  }
  // The time goes into reading the rows: one pass over them instead of two.
  auto const* value = theta.const_data_ptr<float>();
  auto const* anchor = anchor_.const_data_ptr<float>();
  auto const* importance = importance_.const_data_ptr<float>();
  auto* out = grad.mutable_data_ptr<float>();
  auto const factor = static_cast<float>(scale);
  for (std::int64_t i = 0, size = grad.numel(); i < size; ++i)
    out[i] += factor * importance[i] * (value[i] - anchor[i]);
}

void MergedQuadratic::grown(Growth const& growth) {
  if (empty()) return;
  importance_ = growth.carry(importance_);
  anchor_ = growth.carry(anchor_);
}

void MergedQuadratic::state(Archive& archive) {
  archive.field("importance", importance_);
  archive.field("anchor", anchor_);
  archive.field("constant", constant_);
}

void QuadraticPenalty::add_gradient(StepContext& context) {
  if (!active(context)) return;
  auto& arena = context.parameters();
  quadratic_.add_gradient(arena.value(), scale_, arena.grad());
}

Terms QuadraticPenalty::terms(StepContext& context) {
  if (context.first() || quadratic_.empty()) return {};
  return {{name_, quadratic_.value(context.parameters().value()).mul_(scale_)}};
}

void QuadraticPenalty::let_go(Forgotten const&, EventContext& context) {
  if (quadratic_.empty()) return;
  auto const& theta = context.parameters().value();
  quadratic_.decay_and_move(1, at::zeros_like(theta), theta);
}

bool QuadraticPenalty::active(EventContext const& context) const {
  return scale_ != 0 && !context.first() && !quadratic_.empty();
}

}  // namespace mneme
