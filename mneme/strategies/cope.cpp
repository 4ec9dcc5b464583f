#include "mneme/strategies/cope.hpp"

#include <torch/types.h>

#include <cmath>

#include "mneme/strategies/class_means.hpp"
#include "mneme/strategies/nearest_mean.hpp"

namespace mneme {
namespace {

/// [C, N]: 1 where a row is of the class.
at::Tensor indicator(at::Tensor const& labels, std::int64_t classes) {
  return at::arange(classes, labels.options()).unsqueeze(1).eq(labels);
}

/// An exponent that adds nothing to any sum, and is finite, so that no gradient becomes 0 times infinity.
constexpr double kLowest = -1e30;

/// log sum over k != c of e^{x_ik} for every row i and column c of x [N, C]. Where c is the row's largest the others
/// are summed on a scale of their own, since beside it they may be too small for a number; a difference of the whole
/// sum and one exponential would lose its digits.
at::Tensor log_sum_of_others(at::Tensor const& x) {
  auto const [largest, place] = x.detach().max(1, true);
  auto const columns = at::arange(x.size(1), place.options());
  auto const is_largest = columns.eq(place);
  auto const without_it = x.masked_fill(is_largest, kLowest).logsumexp(1, true);
  auto const without_another = (x - largest).exp().mm(1 - at::eye(x.size(1), x.options()));
  return at::where(is_largest, without_it, without_another.masked_fill(is_largest, 1).log() + largest);
}

}  // namespace

void CopeOptions::describe(OptionVisitor& v) {
  buffer.describe(v);
  v.field("batch", batch, {.help = "stored samples per step; 0: as many as are new", .unit = "samples", .min = 0});
  v.field("alpha", alpha,
          {.help = "what a prototype keeps of itself in each step", .min = 0, .below = 1, .source = "authors' code"});
  v.field("temperature", temperature,
          {.help = "T of the softmax over prototypes", .above = 0, .source = "authors' code"});
}

void Prototypes::draw(std::int64_t classes, at::Tensor const& like, at::Generator& generator) {
  auto const drawn = at::empty({classes, like.size(1)}, at::kFloat).uniform_(0, 1, generator);
  value_ = unit_length(drawn).to(like.options());
  seen_ = at::zeros({classes}, like.options().dtype(at::kBool));
}

void Prototypes::see(at::Tensor const& labels) { seen_.logical_or_(indicator(labels, seen_.size(0)).any(1)); }

void Prototypes::move(at::Tensor const& f, at::Tensor const& labels, double alpha) {
  auto const of_class = indicator(labels, value_.size(0));
  auto const direction =
      unit_length(of_class.to(f.scalar_type()).mm(f));  // of the mean, which differs by a factor only
  auto const moved = unit_length(value_ * alpha + direction * (1 - alpha));
  value_.copy_(at::where(of_class.any(1, true), moved, value_));
}

void Prototypes::forget(std::vector<std::int64_t> const& classes) {
  for (auto const c : classes) {
    value_.select(0, c).zero_();
    seen_.select(0, c).fill_(false);
  }
}

void Prototypes::state(Archive& archive) {
  archive.field("value", value_);
  archive.field("seen", seen_);
}

at::Tensor ppp_loss(at::Tensor const& f, at::Tensor const& labels, Prototypes const& prototypes, double temperature) {
  auto const n = f.size(0), classes = prototypes.value().size(0);
  // Exponents of sample i with every prototype [N, C], and with every sample as a pseudo-prototype [N, N].
  auto const to_prototype =
      (f.mm(prototypes.value().t()) / temperature).masked_fill(prototypes.seen().logical_not(), kLowest);
  auto const to_sample = f.mm(f.detach().t()) / temperature;
  // Columns are picked by a product: the gradient of a gather differs from run to run on a GPU.
  auto const of_label = indicator(labels, classes).to(f.scalar_type());  // [C, N]
  auto const by_prototype = to_prototype.mm(of_label);                   // entry (i, j): with p of the class of j
  auto const others = log_sum_of_others(to_prototype).mm(of_label);      // without it
  auto const sums = at::logaddexp(to_sample, others), prototype_sums = at::logaddexp(by_prototype, others);
  // log P of the class of j for sample i, by pseudo-prototype j and by the prototype, and log(1 - P).
  auto const same = labels.unsqueeze(1).eq(labels.unsqueeze(0));
  auto const strangers = at::eye(n, same.options()).logical_or(same.logical_not());
  auto const by_peers = (to_sample - sums).masked_fill(strangers, kLowest);
  auto const by_own = (by_prototype - prototype_sums).diagonal().unsqueeze(1);
  auto const attracted = at::cat({by_peers, by_own}, 1).logsumexp(1) - same.sum(1).to(f.scalar_type()).log();
  auto const repelled = at::logaddexp(others - sums, others - prototype_sums) - std::log(2.0);
  return -(attracted.sum() + repelled.masked_fill(same, 0).sum()) / static_cast<double>(n);
}

Needs Cope::needs() const {
  return {.replaces_objective = true, .learners = {"classifier"}, .prefix = Prefix::kChanges};
}

Batch Cope::compose(Batch batch, StepContext& context) {
  if (buffer_.empty()) return batch;
  auto const n = stored_per_step(options_.batch, context);
  return batch.joined(replayed(buffer_.sample(n, context.streams->get("replay")), context));
}

std::optional<at::Tensor> Cope::objective(StepContext& context) {
  auto const& output = *context.output;
  auto const f = unit_length(output.features);
  if (prototypes_.empty()) prototypes_.draw(output.logits.size(1), f, context.streams->get("prototypes"));
  prototypes_.see(context.batch.y());
  return ppp_loss(f, context.batch.y(), prototypes_, options_.temperature);
}

void Cope::after_step(StepContext& context) {
  at::NoGradGuard const no_grad;
  prototypes_.move(unit_length(context.output->features.detach()), context.batch.y(), options_.alpha);
  buffer_.offer(current_rows(context), context.streams->get("reservoir"));
}

/// The features have moved while the prototypes stood still: they become the means of what is stored.
void Cope::let_go(Forgotten const& forgotten, EventContext& context) {
  drop(buffer_, forgotten);
  if (prototypes_.empty()) return;
  at::NoGradGuard const no_grad;
  auto const rows = buffer_.all();
  if (rows.size() > 0) prototypes_.move(unit_features(context.learner, rows.data, context.poll), rows.labels, 0);
  prototypes_.forget(forgotten.classes());
}

at::Tensor Cope::predict(Output const& output, Batch const&) {
  if (prototypes_.empty()) return {};
  return below_seen(unit_length(output.features).mm(prototypes_.value().t()) / options_.temperature,
                    prototypes_.seen());
}

void Cope::state(Archive& archive) {
  {
    Archive::Scope const scope(archive, "prototypes");
    prototypes_.state(archive);
  }
  buffer_.state(archive);
}

}  // namespace mneme
