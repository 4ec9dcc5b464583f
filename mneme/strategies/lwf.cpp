#include "mneme/strategies/lwf.hpp"

#include <torch/types.h>

#include <algorithm>

#include "mneme/strategies/head.hpp"

namespace mneme {
namespace {

constexpr auto kWarmUp = "warm-up";

}  // namespace

void LwfOptions::describe(OptionVisitor& v) {
  v.field("alpha", alpha,
          {.help = "weight of the distillation, for each old head", .min = 0, .source = "Li and Hoiem 2016, lambda_o"});
  v.field("alphas", alphas,
          {.help = "alpha by task where it differs, from the second task on; the last number holds for the rest",
           .min = 0});
  v.field("weighting", weighting,
          {.help = "alpha as it is, 1/t for the new task and the rest for the old, or as many times as there are old "
                   "tasks",
           .choices = {"fixed", "fraction", "cumulative"},
           .source = "fraction: van de Ven and Tolias 2018; cumulative: van de Ven et al. 2022"});
  v.field("outputs", outputs,
          {.help = "the student's softmax: over the old outputs, or over all active ones, with 0 taught for the new; "
                   "old where each task has its own head",
           .choices = {"old", "active"}});
  v.field("warm_up", warm_up,
          {.help = "epochs in which only the outputs of new classes are trained, before the whole net",
           .unit = "epochs",
           .min = 0,
           .source = "Li and Hoiem 2016, sec. 3"});
  distillation.describe(v);
}

Needs Lwf::needs() const {
  return {.boundaries = true,
          .replaces_objective = options_.weighting == "fraction",
          .stages = options_.warm_up > 0,
          .learners = {"classifier"},
          .prefix = Prefix::kPlain};
}

void Lwf::begin_event(EventContext&) { brings_classes_.reset(); }

void Lwf::end_event(EventContext& context) {
  learnt_.learn(classes_of(context), has_own_heads(context));
  teacher_.take(context.learner);
}

bool Lwf::brings_classes(EventContext const& context) {
  if (!brings_classes_) brings_classes_ = learnt_.lacks(classes_of(context));
  return *brings_classes_;
}

Lwf::Weights Lwf::weights(EventContext const& context) {
  if (learnt_.empty()) return {};
  auto const old = learnt_.tasks();
  auto const& list = options_.alphas;
  auto const alpha = list.empty() ? options_.alpha : list[std::min(static_cast<std::size_t>(old), list.size()) - 1];
  auto const heads = static_cast<double>(learnt_.groups());
  auto const tasks = static_cast<double>(old);
  if (options_.weighting == "fraction")
    return {.current = 1 / (tasks + 1), .each_head = alpha * tasks / (tasks + 1) / heads};
  if (options_.weighting == "cumulative") {
    bool const rivals = !has_own_heads(context) && brings_classes(context);
    return {.each_head = alpha * (rivals ? 1 : tasks) / heads};
  }
  return {.each_head = alpha};
}

// ---------------------------------------------------------------------------------------------------------- warm-up

std::vector<Stage> Lwf::stages(EventContext& context) {
  if (options_.warm_up == 0 || learnt_.empty() || !brings_classes(context)) return {};
  return {{.name = kWarmUp, .epochs = options_.warm_up, .trainable = head_segments(context.parameters())}, {}};
}

bool Lwf::warming_up(StageContext const& context) const { return context.stage.name == kWarmUp; }

template <class Do>
void Lwf::each_old_row(StepContext& context, Do act) const {
  auto const& arena = context.parameters();
  for (int const id : head_segments(arena)) {
    auto const& segment = arena.segment(id);
    auto const in = [&](at::Tensor const& row) { return segment.of(row); };
    auto const old = learnt_.masks(segment.shape.front(), arena.device()).any(0).squeeze(0);
    act(in, segment.shape.size() == 2 ? old.unsqueeze(1) : old);
  }
}

void Lwf::add_gradient(StepContext& context) {
  if (!warming_up(context)) return;
  auto const& grad = context.parameters().grad();
  each_old_row(context, [&](auto in, at::Tensor const& old) { in(grad).masked_fill_(old, 0); });
}

void Lwf::after_step(StepContext& context) {
  if (!warming_up(context)) return;
  // Weight decay and moments from before move weights that have no gradient.
  at::NoGradGuard const no_grad;
  auto const& theta = context.parameters().value();
  each_old_row(context, [&](auto in, at::Tensor const& old) {
    in(theta).copy_(at::where(old, in(teacher_.values()), in(theta)));
  });
}

// ------------------------------------------------------------------------------------------------------------ a step

std::optional<at::Tensor> Lwf::objective(StepContext& context) {
  auto const share = weights(context).current;
  if (share == 1) return std::nullopt;
  return context.learner.loss(*context.phase, context.batch, *context.output) * share;
}

std::optional<at::Tensor> Lwf::penalty(StepContext& context) {
  term_ = at::Tensor();
  auto const weight = weights(context).each_head;
  if (weight == 0 || warming_up(context)) return std::nullopt;
  auto const n = context.rows.size(0);  // what other strategies replay stands behind the new samples
  auto const batch = n == context.batch.size() ? context.batch : context.batch.rows(0, n);
  auto const& z = context.output->logits;
  auto const old = learnt_.masks(z.size(1), z.device());
  auto const targets = soft_targets(teacher_.forward(batch, context).logits, options_.distillation.temperature, old);
  auto const& mask = options_.outputs == "active" && !has_own_heads(context) ? batch.active : old;
  auto const each = distillation(z.narrow(0, 0, n), targets, options_.distillation, mask);  // [H, n]
  auto const term = each.sum() * (weight / static_cast<double>(n));
  term_ = term.detach();
  return term;
}

/// The net that has forgotten is what later tasks are held to.
void Lwf::let_go(Forgotten const& forgotten, EventContext& context) {
  learnt_.forget(forgotten.classes());
  teacher_.take(context.learner);
}

Terms Lwf::terms(StepContext&) {
  if (!term_.defined()) return {};
  return {{"lwf", term_}};
}

void Lwf::state(Archive& archive) {
  if (archive.loading()) brings_classes_.reset();
  teacher_.state(archive);
  learnt_.state(archive);
}

}  // namespace mneme
