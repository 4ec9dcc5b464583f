#include "mneme/strategies/slda.hpp"

#include <torch/types.h>

#include <algorithm>

namespace mneme {

void SldaOptions::describe(OptionVisitor& v) {
  v.field("shrinkage", shrinkage,
          {.help = "share of the identity in the covariance that is inverted",
           .above = 0,
           .max = 1,
           .source = "Hayes and Kanan 2020"});
  v.field("covariance", covariance,
          {.help = "updated with every sample, or that of the first event", .choices = {"plastic", "fixed"}});
  v.field("backbone", backbone,
          {.help = "hidden layers: trained on the first event, then frozen; or frozen as they were drawn",
           .choices = {"first-event", "as-initialised"}});
}

void StreamingLda::add(at::Tensor const& features, at::Tensor const& labels, std::int64_t classes, bool covariance) {
  at::NoGradGuard const no_grad;
  auto const phi = features.to(at::kDouble);
  means_.reserve(classes, phi);
  if (!scatter_.defined()) scatter_ = at::zeros({phi.size(1), phi.size(1)}, phi.options());
  if (covariance) {
    // Row i sees the mean of its class over everything before it: the stored sum, and the rows above of its class.
    auto const above = labels.unsqueeze(1).eq(labels.unsqueeze(0)).to(at::kDouble).tril_(-1);
    auto const count = means_.count().index_select(0, labels).add_(above.sum(1));
    auto const sum = means_.sum().index_select(0, labels).addmm_(above, phi);
    auto const d = phi - sum / count.clamp_min(1).unsqueeze(1);
    auto const n = at::arange(samples_, samples_ + labels.size(0), phi.options());
    scatter_.addmm_((d * (n / (n + 1)).unsqueeze(1)).t(), d);
    samples_ += labels.size(0);
  }
  means_.add(phi, labels, classes);
  weight_ = offset_ = at::Tensor();
}

at::Tensor StreamingLda::covariance() const {
  return scatter_ / static_cast<double>(std::max<std::int64_t>(1, samples_));
}

void StreamingLda::solve() {
  auto const sigma = covariance().mul_(1 - shrinkage_);
  sigma.diagonal().add_(shrinkage_);
  auto const means = means_.mean();
  weight_ = at::cholesky_solve(means.t(), at::linalg_cholesky(sigma));
  offset_ = (weight_.t() * means).sum(1).mul_(-0.5);
}

at::Tensor StreamingLda::scores(at::Tensor const& features) {
  at::NoGradGuard const no_grad;
  if (!weight_.defined()) solve();
  auto const scores = at::addmm(offset_, features.to(at::kDouble), weight_);
  return below_seen(scores, means_.seen()).to(features.scalar_type());
}

void StreamingLda::state(Archive& archive) {
  means_.state(archive);
  archive.field("scatter", scatter_);
  archive.field("samples", samples_);
  if (archive.loading()) weight_ = offset_ = at::Tensor();
}

Needs Slda::needs() const {
  auto const trained = options_.backbone == "first-event";
  return {.boundaries = trained,
          .replaces_objective = true,
          .stages = true,
          .alone = "the others would hold on to a net that trains no more",
          .learners = {"classifier"},
          .prefix = trained ? Prefix::kPlain : Prefix::kChanges};
}

bool Slda::frozen(EventContext const& context) const {
  return !context.first() || options_.backbone == "as-initialised";
}

std::vector<Stage> Slda::stages(EventContext& context) {
  if (!frozen(context)) return {};
  return {{.name = "statistics", .epochs = 1, .optimise = false}};
}

std::optional<at::Tensor> Slda::objective(StepContext& context) {
  if (!frozen(context)) return std::nullopt;
  return at::zeros({}, at::kFloat).requires_grad_();  // nothing is trained: a constant, so no pass back through the net
}

void Slda::after_step(StepContext& context) {
  if (!frozen(context)) return;
  auto const& batch = context.batch;
  lda_.add(context.output->features.detach(), batch.y(), context.output->logits.size(1),
           context.first() || options_.covariance == "plastic");
}

void Slda::end_event(EventContext& context) {
  if (frozen(context)) return;
  look_through(context, context.data, [&](Batch const& batch, Output const& output) {
    lda_.add(output.features, batch.y(), output.logits.size(1));
  });
}

at::Tensor Slda::predict(Output const& output, Batch const&) {
  return lda_.empty() ? at::Tensor() : lda_.scores(output.features);
}

}  // namespace mneme
