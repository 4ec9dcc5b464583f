#include "mneme/unlearning/selective_amnesia.hpp"

#include <torch/types.h>

#include <algorithm>
#include <iterator>

#include "mneme/learners/cvae.hpp"
#include "mneme/strategies/event_importance.hpp"
#include "mneme/stream/making.hpp"

namespace mneme {
namespace {

constexpr std::int64_t kDrawn = 5000;   // samples that stand in memory at once
constexpr std::int64_t kPlaces = 8192;  // rows of the stage, which only say how many are wanted

Cvae const& model_of(Learner const& learner) { return dynamic_cast<Cvae const&>(learner); }

}  // namespace

void SelectiveAmnesiaOptions::describe(OptionVisitor& v) {
  v.field("lambda", lambda,
          {.help = "strength of the Fisher term, for a loss that is a sum over the batch and without a 1/2",
           .min = 0,
           .source = "the authors' code"});
  v.field("gamma", gamma, {.help = "weight of the replayed samples; 0: none", .min = 0, .source = "Heng and Soh 2023"});
  v.field(
      "surrogate", surrogate,
      {.help = "what a forgotten class is taught to look like: uniform noise, or one shade of gray; none: nothing, the "
               "likelihood of its real images is lowered, the naive way that the paper compares with",
       .choices = {"noise", "gray", "none"}});
  v.field("gray", gray, {.help = "that shade", .min = 0, .max = 1});
  v.field("steps", steps, {.help = "length of a request", .unit = "steps", .min = 1});
  v.field("fisher_samples", fisher_samples,
          {.help = "own samples that the Fisher information is taken over", .unit = "samples", .min = 1});
  v.field("fisher_batch", fisher_batch,
          {.help = "samples per pass; more are faster, and the result differs in rounding alone", .min = 1});
  v.field("lr_scale", lr_scale, {.help = "learning rate while forgetting, over the run's", .above = 0});
}

Needs SelectiveAmnesia::needs() const {
  return {
      .boundaries = true, .replaces_objective = true, .forgets = true, .learners = {"cvae"}, .prefix = Prefix::kPlain};
}

void SelectiveAmnesia::take(ForgetData asked) {
  Unlearning::take(std::move(asked));
  kept_ = classes_of(data().retain);
  auto const forget = classes_of(data().forget);
  known_.clear();
  std::set_union(kept_.begin(), kept_.end(), forget.begin(), forget.end(), std::back_inserter(known_));
}

at::Tensor SelectiveAmnesia::importance(EventContext& context) {
  if (options_.lambda == 0) return {};
  auto& stream = context.streams->get("fisher-samples");
  FisherOptions options;
  options.samples = 0;  // all
  options.batch = options_.fisher_batch;
  auto total = context.parameters().new_row();
  for (std::int64_t done = 0; done < options_.fisher_samples; done += kDrawn) {
    auto const n = std::min(kDrawn, options_.fisher_samples - done);
    auto const labels = draw_classes(known_, n, stream, context.parameters().device());
    Dataset const own("own samples", model_of(context.learner).sample_of(labels, stream), labels, {});
    auto const f = diagonal_fisher(importance_request(name(), own, options, context));
    total.add_(f, static_cast<double>(n) / static_cast<double>(options_.fisher_samples));
  }
  log_importance(name(), total, context, {{"samples", options_.fisher_samples}, {"labels", FisherOptions().labels}});
  return total;
}

std::vector<Stage> SelectiveAmnesia::stages(EventContext& context) {
  auto shape = data().retain.sample_shape();
  shape.insert(shape.begin(), kPlaces);
  auto const zeros = at::TensorOptions(at::kByte).device(context.parameters().device());
  Dataset const places("places", at::zeros(shape, zeros), at::zeros({kPlaces}, zeros.dtype(at::kLong)), {});
  return {{.name = "forget",
           .data = places,
           .steps = options_.steps,
           .lr_scale = options_.lr_scale,
           .fresh_optimizer = true}};
}

Batch SelectiveAmnesia::surrogate(Request const& request, Batch const& places, StepContext& context) const {
  auto const n = places.size();
  auto const device = places.x.device();
  auto& stream = context.streams->get("surrogate");
  if (options_.surrogate == "none") {
    auto const& forget = data().forget;
    Batch real(forget, draw_indices(forget.size(), n, stream, device), -1, context.visibility);
    return {real.x, real.y(), at::Tensor(), context.visibility};
  }
  auto x = options_.surrogate == "gray" ? at::full_like(places.x, options_.gray)
                                        : at::empty(places.x.sizes(), at::kFloat).uniform_(0, 1, stream).to(device);
  return {std::move(x), draw_classes(request.classes, n, stream, device), at::Tensor(), context.visibility};
}

/// Rows of the surrogate, then as many replayed ones.
Batch SelectiveAmnesia::compose(Batch batch, StepContext& context) {
  auto const n = batch.size();
  auto const device = batch.x.device();
  auto first = surrogate(std::get<Request>(context.event), batch, context);
  if (options_.gamma == 0) return first;
  auto& own = context.streams->get("replay");
  auto const labels = draw_classes(kept_, n, own, device);
  Batch replay(past(context).sample_of(labels, own), labels, at::Tensor(), context.visibility);
  replay.parts.front().origin = BatchPart::Origin::kGenerated;
  return first.joined(replay);
}

std::optional<at::Tensor> SelectiveAmnesia::objective(StepContext& context) {
  terms_.clear();
  auto const n = context.rows.size(0);
  auto const each = context.learner.per_sample_loss(context.batch, *context.output);
  auto loss = each.narrow(0, 0, n).mean();
  terms_["surrogate"] = loss.detach();
  if (options_.surrogate == "none") loss = -loss;
  if (options_.gamma > 0) {
    auto const replay = each.narrow(0, n, n).mean();
    terms_["replay"] = replay.detach();
    loss = loss + replay * options_.gamma;
  }
  return loss * loss_scale(context.learner, n);
}

double SelectiveAmnesia::canonical_lambda(StepContext const& context) const {
  return 2 * options_.lambda / static_cast<double>(context.rows.size(0));
}

void SelectiveAmnesia::add_gradient(StepContext& context) {
  if (quadratic().empty()) return;
  auto const strength = canonical_lambda(context) * loss_scale(context.learner, context.rows.size(0));
  quadratic().add_gradient(context.parameters().value(), strength, context.parameters().grad());
}

Terms SelectiveAmnesia::terms(StepContext& context) {
  auto terms = terms_;
  if (quadratic().empty()) return terms;
  auto const lambda = canonical_lambda(context);
  terms["fisher"] = quadratic().value(context.parameters().value()).mul_(lambda);
  terms["canonical_lambda"] = at::scalar_tensor(lambda);
  return terms;
}

}  // namespace mneme
