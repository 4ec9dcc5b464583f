#include "mneme/strategies/fromp.hpp"

#include <torch/types.h>

#include <algorithm>

#include "mneme/core/errors.hpp"
#include "mneme/strategies/event_importance.hpp"
#include "mneme/strategies/head.hpp"

namespace mneme {
namespace {

/// The probabilities [N, C] of the outputs that take part, in evaluation mode.
at::Tensor probabilities(Batch const& batch, EventContext const& context) {
  auto const gates = context.gates(batch);
  auto const output =
      context.learner.forward(batch, {.training = false, .gates = &gates}, context.streams->get("noise"));
  return at::softmax(active_logits(batch, output.logits), 1);
}

/// Lambda [N] of a data set.
at::Tensor memorability(Dataset const& data, std::int64_t rows_at_once, EventContext const& context) {
  at::NoGradGuard const no_grad;
  auto const task = context.known_task();
  auto const all = at::arange(data.size(), data.labels().options());
  std::vector<at::Tensor> parts;
  for (std::int64_t first = 0; first < data.size(); first += rows_at_once) {
    context.poll();
    auto const index = all.narrow(0, first, std::min(rows_at_once, data.size() - first));
    Batch batch(data, index, task.value_or(-1), context.visibility);
    context.activate(batch);
    auto const p = probabilities(batch, context);
    parts.push_back((p * (1 - p)).sum(1));
  }
  return at::cat(parts);
}

/// J [N, P]: the gradient of the probability of class c at each sample of a batch.
void jacobian(Batch const& batch, std::int64_t c, EventContext const& context, at::Tensor const& rows) {
  auto& arena = context.parameters();
  at::AutoGradMode const grad(true);
  for (std::int64_t n = 0; n < batch.size(); ++n) {
    GradientSink sink(arena, rows[n], Reduction::kSum);
    ParameterArena::Redirect const redirect(arena, sink);
    arena.begin_gradient();
    probabilities(batch.rows(n, 1), context)[0][c].backward();
    arena.finish_gradient();
  }
}

/// J diag(covariance) J' in double: [N, N].
at::Tensor kernel(at::Tensor const& rows, at::Tensor const& covariance) {
  constexpr std::int64_t kColumns = 1 << 16;
  auto sum = at::zeros({rows.size(0), rows.size(0)}, rows.options().dtype(at::kDouble));
  for (std::int64_t first = 0; first < rows.size(1); first += kColumns) {
    auto const count = std::min(kColumns, rows.size(1) - first);
    auto const half =
        rows.narrow(1, first, count).to(at::kDouble) * covariance.narrow(0, first, count).to(at::kDouble).sqrt();
    sum.addmm_(half, half.t());
  }
  return sum;
}

at::Tensor inverse_of(at::Tensor const& kernel) {
  auto const [root, info] = at::linalg_cholesky_ex(kernel);
  if (info.item<std::int64_t>() != 0)
    throw NumericError("fromp: a kernel of the memorable points is not positive definite; raise `jitter`");
  return at::cholesky_inverse(root);
}

}  // namespace

void FrompOptions::describe(OptionVisitor& v) {
  v.field("tau", tau,
          {.help = "strength of the term; the authors' code divides the loss of the new task by it",
           .min = 0,
           .source = "Pan et al. 2020; 10 for split MNIST"});
  v.field("points", points,
          {.help = "memorable points of each task, in equal parts of its classes",
           .unit = "samples",
           .min = 1,
           .source = "Pan et al. 2020; 40 for split MNIST, 200 for permuted"});
  v.field("select", select,
          {.help = "points with the largest Lambda of their class, or random ones",
           .choices = {"largest", "random"},
           .source = "Pan et al. 2020, sec. 3.1; random: FRORP there"});
  v.field("prior_precision", prior_precision, {.help = "delta, added to the Fisher", .above = 0});
  v.field("jitter", jitter, {.help = "added to the diagonal of the kernels", .min = 0});
  fisher.describe(v);
}

Needs Fromp::needs() const { return {.boundaries = true, .learners = {"classifier"}, .prefix = Prefix::kPlain}; }

// --------------------------------------------------------------------------------------------------- end of a task

void Fromp::end_event(EventContext& context) {
  anchors_.clear();
  choose_points(context);
  add_fisher(context);
}

std::int64_t Fromp::points_of_a_class(EventContext const& context) const {
  auto const classes = static_cast<std::int64_t>(classes_of(context).size());
  if (options_.points < classes)
    throw ConfigError("fromp: " + std::to_string(options_.points) + " points for " + std::to_string(classes) +
                      " classes; `points` must be at least the number of a task's classes");
  return options_.points / classes;
}

void Fromp::choose_points(EventContext& context) {
  auto const& data = context.data;
  auto const classes = classes_of(context);
  auto const each = points_of_a_class(context);
  bool const random = options_.select == "random";
  auto const lambda = random ? at::Tensor() : memorability(data, options_.fisher.batch, context);
  std::vector<at::Tensor> chosen;
  for (auto const c : classes) {
    auto const rows = data.labels().eq(c).nonzero().squeeze(1);
    auto const order = random ? draw_permutation(rows.size(0), context.streams->get("points"), rows.device())
                              : std::get<1>(lambda.index_select(0, rows).sort(/*stable=*/true, 0, true));
    chosen.push_back(rows.index_select(0, order.narrow(0, 0, std::min(each, order.size(0)))));
  }
  auto const fresh = chosen_rows(data, at::cat(chosen), context);
  counts_.push_back(fresh.size());
  points_ = points_.size() == 0 ? fresh
                                : Rows{at::cat({points_.data, fresh.data}), at::cat({points_.labels, fresh.labels}),
                                       at::cat({points_.task, fresh.task})};
  batch_.reset();
}

void Fromp::add_fisher(EventContext& context) {
  auto fisher = diagonal_fisher(importance_request("fromp", context.data, options_.fisher, context));
  fisher.mul_(static_cast<double>(context.data.size()));  // a sum, not a mean
  fisher_ = fisher_.defined() ? fisher_.add_(fisher) : fisher;
}

// ------------------------------------------------------------------------------------------------- start of a task

void Fromp::begin_event(EventContext& context) {
  static_cast<void>(points_of_a_class(context));
  batch_.reset();  // the task under way may bring outputs
  anchors_.clear();
  std::int64_t first = 0;
  for (auto const count : counts_) {
    anchors_.push_back(anchor(context, first, count));
    first += count;
  }
}

Fromp::Anchor Fromp::anchor(EventContext& context, std::int64_t first, std::int64_t count) {
  at::NoGradGuard const no_grad;
  auto const points = batch(context).rows(first, count);
  auto const p = probabilities(points, context);
  auto const& active = points.active;
  auto const classes = active.defined() ? (active.dim() == 2 ? active.any(0) : active).nonzero().squeeze(1)
                                        : at::arange(p.size(1), p.options().dtype(at::kLong));
  auto const covariance = (fisher_ + options_.prior_precision).reciprocal_();
  auto const ridge = at::eye(count, p.options().dtype(at::kDouble)) * options_.jitter;
  auto rows = at::empty({count, fisher_.size(0)}, fisher_.options());
  std::vector<at::Tensor> inverses;
  for (std::int64_t k = 0; k < classes.size(0); ++k) {
    context.poll();
    jacobian(points, classes[k].item<std::int64_t>(), context, rows);
    inverses.push_back(inverse_of(kernel(rows, covariance) + ridge).to(p.scalar_type()));
  }
  return {classes, p.index_select(1, classes).t().contiguous(), at::stack(inverses), first};
}

Batch const& Fromp::batch(EventContext const& context) {
  if (!batch_) batch_ = replayed(points_, context);
  return *batch_;
}

// ------------------------------------------------------------------------------------------------------------ a step

std::optional<at::Tensor> Fromp::penalty(StepContext& context) {
  term_ = at::Tensor();
  if (anchors_.empty() || options_.tau == 0) return std::nullopt;
  auto const p = probabilities(batch(context), context).t();  // [C, points]
  at::Tensor sum;
  for (auto const& a : anchors_) {
    auto const d = p.narrow(1, a.first, a.probability.size(1)).index_select(0, a.classes) - a.probability;
    auto const one = (at::bmm(a.inverse, d.unsqueeze(2)).squeeze(2) * d).sum();
    sum = sum.defined() ? sum + one : one;
  }
  auto const term = sum * (options_.tau / 2);
  term_ = term.detach();
  return term;
}

Terms Fromp::terms(StepContext&) {
  if (!term_.defined()) return {};
  return {{"fromp", term_}};
}

void Fromp::grown(Growth const& growth) {
  if (fisher_.defined()) fisher_ = growth.carry(fisher_);
}

// ------------------------------------------------------------------------------------------------------------- state

void Fromp::Anchor::state(Archive& archive) {
  archive.field("classes", classes);
  archive.field("probability", probability);
  archive.field("inverse", inverse);
  archive.field("first", first);
}

void Fromp::state(Archive& archive) {
  archive.field("fisher", fisher_);
  archive.field("data", points_.data);
  archive.field("labels", points_.labels);
  archive.field("task", points_.task);
  Json counts(counts_);
  archive.field("counts", counts);
  auto anchors = static_cast<std::int64_t>(anchors_.size());
  archive.field("anchors", anchors);
  if (archive.loading()) {
    counts_ = counts.get<std::vector<std::int64_t>>();
    anchors_.assign(static_cast<std::size_t>(anchors), {});
    batch_.reset();
  }
  for (std::size_t s = 0; s < anchors_.size(); ++s) {
    Archive::Scope const scope(archive, "anchor-" + std::to_string(s));
    anchors_[s].state(archive);
  }
}

}  // namespace mneme
