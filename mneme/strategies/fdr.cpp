#include "mneme/strategies/fdr.hpp"

#include <torch/types.h>

#include "mneme/strategies/stored_answers.hpp"

namespace mneme {
namespace {

at::Tensor probabilities(Batch const& batch, at::Tensor const& logits) {
  return at::softmax(active_logits(batch, logits), 1);
}

at::Tensor stored_probabilities(Rows const& rows, EventContext const& context) {
  return probabilities(replayed(rows, context), stored_logits(rows, context));
}

}  // namespace

void FdrOptions::describe(OptionVisitor& v) {
  v.field("memory", memory, {.help = "capacity of the buffer, shared by the tasks", .unit = "samples", .min = 0});
  v.field("batch", batch, {.help = "stored samples per step; 0: as many as are new", .unit = "samples", .min = 0});
  v.field("alpha", alpha,
          {.help = "strength of the mean distance to stored outputs",
           .min = 0,
           .source = "Buzzega et al. 2020, authors' code: 1, whatever is set"});
  v.field("own_step", own_step,
          {.help = "stored samples are trained on in an optimizer step of their own, behind that on the new ones",
           .source = "Buzzega et al. 2020, authors' code: true"});
}

Needs Fdr::needs() const {
  Needs needs{.boundaries = true, .learners = {"classifier"}, .prefix = Prefix::kPlain};
  if (options_.own_step)
    for (auto const* other : {"gem", "a-gem", "si", "rwalk"})
      needs.excludes[other] = "fdr's step of its own (own_step) is one that the other does not see";
  return needs;
}

at::Tensor mean_distance(at::Tensor const& p, at::Tensor const& q) { return (p - q).norm(2, 1).mean(); }

std::optional<at::Tensor> Fdr::penalty(StepContext& context) {
  return options_.own_step ? std::nullopt : distance(context);
}

std::optional<at::Tensor> Fdr::own_step(StepContext& context) {
  return options_.own_step ? distance(context) : std::nullopt;
}

std::optional<at::Tensor> Fdr::distance(StepContext& context) {
  terms_.clear();
  if (buffer_.empty() || options_.alpha == 0) return std::nullopt;
  auto const rows = buffer_.sample(stored_per_step(options_.batch, context), context.streams->get("replay"));
  auto const batch = replayed(rows, context);
  auto const now = probabilities(batch, forward_beside(batch, true, context).logits);
  auto const term = mean_distance(now, rows.extras.at("probabilities")) * options_.alpha;
  terms_["distance"] = term.detach();
  return term;
}

void Fdr::end_event(EventContext& context) {
  auto rows = share_of_event(buffer_, context);
  if (rows.size() == 0) return;
  rows.extras.emplace("probabilities", stored_probabilities(rows, context));
  buffer_.offer(rows, context.streams->get("reservoir"));
}

void Fdr::let_go(Forgotten const& forgotten, EventContext& context) {
  drop(buffer_, forgotten);
  if (buffer_.empty()) return;
  auto const rows = buffer_.all();  // a view
  rows.extras.at("probabilities").copy_(stored_probabilities(rows, context));
}

}  // namespace mneme
