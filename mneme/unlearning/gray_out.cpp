#include "mneme/unlearning/gray_out.hpp"

#include <torch/types.h>

#include "mneme/learners/cvae.hpp"
#include "mneme/stream/making.hpp"

namespace mneme {

void GrayOutOptions::describe(OptionVisitor& v) {
  v.field(
      "mode", mode,
      {.help = "seed: the Fisher information is of the classes to forget and its term is subtracted; retain: of the "
               "others, and added",
       .choices = {"seed", "retain"}});
  v.field("lambda", lambda, {.help = "strength of the Fisher term, in the units of the mode's equation", .min = 0});
  v.field("gray_weight", gray_weight, {.help = "weight w of |image - gray|; in retain published with 5", .min = 0});
  v.field("gray", gray, {.help = "the gray value v", .min = 0, .max = 1});
  length.describe(v);
  v.field("replay_samples", replay_samples,
          {.help = "samples drawn once and learnt beside the retained images; in retain published with 10,000",
           .unit = "samples",
           .min = 0});
  v.field("fisher_samples", fisher_samples,
          {.help = "images that the Fisher information is taken over; in retain published with 6,000",
           .unit = "samples",
           .min = 1});
  v.field("fisher_batch", fisher_batch, {.help = "samples whose mean gradient is squared", .min = 1});
  v.field(
      "clamp", clamp,
      {.help = "seed: value beyond which the subtracted term has no gradient; 0: no bound", .unit = "nats", .min = 0});
}

Needs GrayOut::needs() const { return {.forgets = true, .learners = {"cvae"}}; }

at::Tensor GrayOut::importance(EventContext& context) {
  if (options_.lambda == 0) return {};
  FisherOptions options;
  options.labels = "batch";
  options.samples = options_.fisher_samples;
  options.batch = options_.fisher_batch;
  return importance_on(name(), subtracts() ? data().forget : data().retain, options, context);
}

std::vector<Stage> GrayOut::stages(EventContext& context) {
  auto stage = options_.length.stage("gray out", unlearning_set(context));
  stage.fresh_optimizer = true;
  return {stage};
}

Dataset GrayOut::unlearning_set(EventContext& context) {
  auto const& real = data().retain;
  if (options_.replay_samples == 0) return real;
  // From a stream that starts anew and the model as it was: the same set after a resume.
  auto stream = context.streams->fresh("replay/" + std::to_string(context.index));
  auto const classes = classes_of(real);
  auto const labels = draw_classes(classes, options_.replay_samples, stream, real.device());
  std::vector<at::Tensor> parts;
  constexpr std::int64_t kDrawn = 1000;  // at once
  for (auto const& some : labels.split(kDrawn)) parts.push_back(past(context).sample_of(some, stream));
  auto images = at::cat(parts);
  if (real.data().scalar_type() == at::kByte) images = images.mul(255).round().to(at::kByte);
  auto const none = at::full_like(labels, -1);  // of no task
  return concatenate("retained", {real, Dataset("replay", images, labels, real.class_names()).with_tasks(none)});
}

std::optional<at::Tensor> GrayOut::penalty(StepContext& context) {
  if (options_.gray_weight == 0) return std::nullopt;
  auto const& request = std::get<Request>(context.event);
  auto const& model = dynamic_cast<Cvae const&>(context.learner);
  auto& stream = context.streams->get("gray");
  auto const n = context.batch.size();
  auto const device = context.batch.x.device();
  auto const label = draw_classes(request.classes, 1, stream, device).expand({n});
  auto const z = draw_normal({n, model.latent()}, stream, device);
  auto const gray = (model.decode(z, model.condition(label)) - options_.gray).abs().mean();
  gray_ = gray.detach();
  return gray * (options_.gray_weight * loss_scale(context.learner, n));
}

double GrayOut::strength(StepContext const& context) const {
  auto const n = static_cast<double>(context.stage.data.size());
  return subtracts() ? -2 * options_.lambda / n : options_.lambda / n;
}

void GrayOut::add_gradient(StepContext& context) {
  if (quadratic().empty()) return;
  auto const& theta = context.parameters().value();
  auto const strength = this->strength(context);
  auto const scale = strength * loss_scale(context.learner, context.batch.size());
  if (!subtracts() || options_.clamp == 0) {
    quadratic().add_gradient(theta, scale, context.parameters().grad());
    return;
  }
  // Whether it is within the bound is decided on the device: no step waits for it.
  auto const inside = quadratic().value(theta).mul(-strength).lt(options_.clamp).to(at::kFloat);
  context.parameters().grad().add_(
      (theta - quadratic().anchor()).mul_(quadratic().importance()).mul_(inside.mul_(scale)));
}

Terms GrayOut::terms(StepContext& context) {
  Terms terms;
  if (options_.gray_weight > 0) terms["gray"] = gray_;
  if (quadratic().empty()) return terms;
  auto const strength = this->strength(context);
  terms["fisher"] = quadratic().value(context.parameters().value()).mul_(strength);
  terms["canonical_lambda"] = at::scalar_tensor(strength);
  return terms;
}

}  // namespace mneme
