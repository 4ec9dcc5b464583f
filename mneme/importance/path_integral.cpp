#include "mneme/importance/path_integral.hpp"

#include <torch/types.h>

namespace mneme {

void PathIntegral::prepare(ParameterArena const& arena) {
  if (!omega_.defined()) omega_ = arena.new_row();
  if (gradient_.defined()) return;
  gradient_ = arena.new_row();
  before_ = arena.new_row();
}

void PathIntegral::observe(ParameterArena const& arena) {
  prepare(arena);
  advance(arena.value());  // of the phase before, for a learner of several
  gradient_.copy_(arena.grad());
  before_.copy_(arena.value());
  pending_ = true;
}

void PathIntegral::advance(at::Tensor const& theta) {
  if (!pending_) return;
  pending_ = false;
  at::NoGradGuard const no_grad;
  if (!omega_.is_cpu()) {
    omega_.addcmul_(gradient_, before_.sub_(theta));  // before - after is minus the step
    return;
  }
  // The time goes into reading the rows: one pass over them instead of two.
  auto const* gradient = gradient_.const_data_ptr<float>();
  auto const* before = before_.const_data_ptr<float>();
  auto const* after = theta.const_data_ptr<float>();
  auto* out = omega_.mutable_data_ptr<float>();
  for (std::int64_t i = 0, size = omega_.numel(); i < size; ++i) out[i] += gradient[i] * (before[i] - after[i]);
}

void PathIntegral::restore() {
  if (kept_.defined()) omega_.copy_(kept_);
  kept_ = at::Tensor();
}

void PathIntegral::grown(Growth const& growth) {
  if (omega_.defined()) omega_ = growth.carry(omega_);
  if (kept_.defined()) kept_ = growth.carry(kept_);
  gradient_ = before_ = at::Tensor();
}

void PathIntegral::state(Archive& archive) {
  archive.field("omega", omega_);
  archive.field("omega_kept", kept_);
}

}  // namespace mneme
