#include "mneme/strategies/a_gem.hpp"

#include <torch/types.h>

#include <limits>

namespace mneme {

void AGemOptions::describe(OptionVisitor& v) {
  buffer.describe(v);
  v.field("batch", batch,
          {.help = "stored samples that the reference gradient is the mean over",
           .unit = "samples",
           .min = 1,
           .source = "Chaudhry et al. 2019: 256 for permuted MNIST"});
  fill.describe(v);
}

void remove_conflict(at::Tensor const& grad, at::Tensor const& reference) {
  // Where a look at the factor would make the host wait it is not looked at: a factor of 0 leaves every bit.
  auto const least = static_cast<double>(std::numeric_limits<float>::min());
  auto const factor = grad.dot(reference).clamp_max_(0).div_(reference.dot(reference).clamp_min_(least));
  if (factor.is_cpu() && factor.item<double>() == 0) return;
  grad.addcmul_(reference, factor, -1);
}

void AGem::begin_event(EventContext& context) { options_.fill.check("a-gem", context); }

void AGem::end_event(EventContext& context) { options_.fill.end_event(buffer_, context); }

void AGem::project_gradient(StepContext& context) {
  if (context.past_begins_later() || buffer_.empty()) return;
  auto& arena = context.parameters();
  if (!reference_.defined()) reference_ = arena.new_row();
  auto const batch = replayed(buffer_.sample(options_.batch, context.streams->get("replay")), context);
  context.learner.gradient(batch, reference_, context.streams->get("noise"), context.gates(batch));
  remove_conflict(arena.grad(), reference_);
}

void AGem::after_step(StepContext& context) { options_.fill.after_step(buffer_, context); }

}  // namespace mneme
