#include "mneme/strategies/scr.hpp"

#include <torch/types.h>

#include "mneme/strategies/second_view.hpp"

namespace mneme {

void ScrOptions::describe(OptionVisitor& v) {
  buffer.describe(v);
  v.field("batch", batch,
          {.help = "stored samples per step; 0: none", .unit = "samples", .min = 0, .source = "Mai et al. 2021: 100"});
  v.field("temperature", temperature,
          {.help = "tau: small values weigh the nearest rows more", .above = 0, .source = "Mai et al. 2021"});
  v.field("projection", projection,
          {.help = "what is compared: the last hidden layer, or the logits as a projection of it",
           .choices = {"features", "logits"}});
  v.field("shift", shift, {.help = "how far the other view is moved at most", .unit = "pixels", .min = 0, .max = 64});
  v.field("flip", flip, {.help = "mirror half of the other views left to right; not for digits or letters"});
}

at::Tensor contrastive_loss(at::Tensor const& z, at::Tensor const& labels, double temperature) {
  constexpr double kNever = -1e30;
  auto const self = at::eye(z.size(0), z.options().dtype(at::kBool).requires_grad(false));
  auto const similarity = (z.mm(z.t()) / temperature).masked_fill(self, kNever);
  auto const log_p = at::log_softmax(similarity, 1);
  auto const same = labels.unsqueeze(1).eq(labels.unsqueeze(0)).logical_and(self.logical_not()).to(z.scalar_type());
  auto const partners = same.sum(1);  // |P(i)|
  auto const each = (same * log_p).sum(1).neg() / partners.clamp_min(1);
  return each.sum() / partners.gt(0).sum().clamp_min(1);
}

Batch Scr::compose(Batch batch, StepContext& context) {
  if (!buffer_.empty() && options_.batch > 0)
    batch = batch.joined(replayed(buffer_.sample(options_.batch, context.streams->get("replay")), context));
  auto other = batch;
  other.x = second_view(batch.x, options_.shift, options_.flip, context.streams->get("views"));
  return batch.joined(other);
}

std::optional<at::Tensor> Scr::objective(StepContext& context) {
  auto const& output = *context.output;
  auto const z = unit_length(options_.projection == "features" ? output.features : output.logits);
  return contrastive_loss(z, context.batch.y(), options_.temperature);
}

void Scr::after_step(StepContext& context) {
  buffer_.offer(current_rows(context), context.streams->get("reservoir"));
  means_.expire();
}

void Scr::end_event(EventContext& context) { means_.fit(context.learner, buffer_.all(), context.poll); }

void Scr::let_go(Forgotten const& forgotten, EventContext& context) {
  drop(buffer_, forgotten);
  means_.fit(context.learner, buffer_.all(), context.poll);
}

void Scr::begin_test(TestContext& context) {
  if (means_.stale()) means_.fit(context.learner, buffer_.all());
}

void Scr::state(Archive& archive) {
  buffer_.state(archive);
  means_.state(archive);
}

}  // namespace mneme
