#include "mneme/strategies/cope.hpp"

#include <torch/types.h>

#include "mneme/strategies/class_means.hpp"

namespace mneme {
namespace {

at::Tensor unit(at::Tensor const& rows) {
  constexpr double kSmallest = 1e-12;
  return rows / rows.norm(2, {1}, true).clamp_min(kSmallest);
}

/// [C, N]: 1 where a row is of the class.
at::Tensor indicator(at::Tensor const& labels, std::int64_t classes) {
  return at::arange(classes, labels.options()).unsqueeze(1).eq(labels);
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
  value_ = unit(drawn).to(like.options());
  seen_ = at::zeros({classes}, like.options().dtype(at::kBool));
}

void Prototypes::see(at::Tensor const& labels) { seen_.logical_or_(indicator(labels, seen_.size(0)).any(1)); }

void Prototypes::move(at::Tensor const& f, at::Tensor const& labels, double alpha) {
  auto const of_class = indicator(labels, value_.size(0));
  auto const direction = unit(of_class.to(f.scalar_type()).mm(f));  // of the mean, which differs by a factor only
  auto const moved = unit(value_ * alpha + direction * (1 - alpha));
  value_.copy_(at::where(of_class.any(1, true), moved, value_));
}

void Prototypes::state(Archive& archive) {
  archive.field("value", value_);
  archive.field("seen", seen_);
}

at::Tensor ppp_loss(at::Tensor const& f, at::Tensor const& labels, Prototypes const& prototypes, double temperature) {
  auto const n = f.size(0), classes = prototypes.value().size(0);
  // Similarity of sample i to every prototype [N, C], and to every sample as a pseudo-prototype [N, N].
  auto const to_prototype = (f.mm(prototypes.value().t()) / temperature).exp() * prototypes.seen();
  auto const to_sample = (f.mm(f.detach().t()) / temperature).exp();
  // sum_{k != c} e^{f_i.p_k / T} [N, C]; summed as it stands, since a difference of exponentials loses its digits.
  auto const others = to_prototype.mm(1 - at::eye(classes, f.options()));
  // Columns are picked by a product: the gradient of a gather differs from run to run on a GPU.
  auto const of_label = indicator(labels, classes).to(f.scalar_type());  // [C, N]
  auto const others_of = others.mm(of_label);                            // entry (i, j): without the class of j
  // Probability of the class of j for sample i, by pseudo-prototype j and by the prototype; and their complements.
  auto const by_prototype = to_prototype.mm(of_label);
  auto const sums = to_sample + others_of, prototype_sums = by_prototype + others_of;
  auto const same = labels.unsqueeze(1).eq(labels.unsqueeze(0));
  auto const peers = same.logical_and(at::eye(n, same.options()).logical_not());
  auto const attracted =
      ((to_sample / sums).masked_fill(peers.logical_not(), 0).sum(1) + (by_prototype / prototype_sums).diagonal()) /
      same.sum(1);
  auto const repelled = (others_of / sums + others_of / prototype_sums) / 2;
  return -(attracted.log().sum() + repelled.masked_fill(same, 1).log().sum()) / static_cast<double>(n);
}

Needs Cope::needs() const {
  return {.replaces_objective = true, .learners = {"classifier"}, .prefix = Prefix::kChanges};
}

Batch Cope::compose(Batch batch, StepContext& context) {
  if (buffer_.empty()) return batch;
  auto const n = options_.batch > 0 ? options_.batch : batch.size();
  return batch.joined(replayed(buffer_.sample(n, context.streams->get("replay")), context));
}

std::optional<at::Tensor> Cope::objective(StepContext& context) {
  auto const& output = *context.output;
  auto const f = unit(output.features);
  if (prototypes_.empty()) prototypes_.draw(output.logits.size(1), f, context.streams->get("prototypes"));
  prototypes_.see(context.batch.y());
  return ppp_loss(f, context.batch.y(), prototypes_, options_.temperature);
}

void Cope::after_step(StepContext& context) {
  at::NoGradGuard const no_grad;
  prototypes_.move(unit(context.output->features.detach()), context.batch.y(), options_.alpha);
  buffer_.offer(current_rows(context), context.streams->get("reservoir"));
}

at::Tensor Cope::predict(Output const& output, Batch const&) {
  if (prototypes_.empty()) return {};
  return below_seen(unit(output.features).mm(prototypes_.value().t()) / options_.temperature, prototypes_.seen());
}

void Cope::state(Archive& archive) {
  {
    Archive::Scope const scope(archive, "prototypes");
    prototypes_.state(archive);
  }
  buffer_.state(archive);
}

}  // namespace mneme
