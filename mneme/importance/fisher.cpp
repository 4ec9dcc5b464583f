#include "mneme/importance/fisher.hpp"

#include <torch/autograd.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>

#include "mneme/core/errors.hpp"

namespace mneme {

void FisherOptions::describe(OptionVisitor& v) {
  v.field("labels", labels,
          {.help = "which labels the squared gradients are taken for",
           .choices = {"sampled", "all", "empirical", "batch", "accumulating"},
           .source = "Kirkpatrick et al. 2017 draws them from the model"});
  v.field("samples", samples,
          {.help = "how many training samples are used at most; 0: all", .unit = "samples", .min = 0});
  v.field("batch", batch,
          {.help = "samples per pass; changes the estimate for labels = batch and accumulating only", .min = 1});
}

FisherLabels FisherOptions::estimator() const {
  if (labels == "all") return FisherLabels::kAll;
  if (labels == "empirical") return FisherLabels::kEmpirical;
  if (labels == "batch") return FisherLabels::kBatch;
  if (labels == "accumulating") return FisherLabels::kAccumulating;
  return FisherLabels::kSampled;
}

std::int64_t FisherOptions::count(std::int64_t available) const {
  return samples == 0 ? available : std::min(samples, available);
}

ImportanceSummary summarise(at::Tensor const& importance) {
  ImportanceSummary summary;
  summary.trace = importance.sum(at::kDouble).item<double>();
  summary.zero_share = importance.eq(0).to(at::kDouble).mean().item<double>();
  auto const sorted = std::get<0>(importance.sort());
  auto const last = static_cast<double>(sorted.numel() - 1);
  for (double const p : {0.5, 0.9, 0.99, 1.0})
    summary.quantiles.emplace_back(p, sorted[std::llround(p * last)].item<double>());
  return summary;
}

namespace {

class FisherPass {
 public:
  explicit FisherPass(ImportanceRequest const& request)
      : r_(request), arena_(request.learner.parameters()), kind_(request.options.estimator()) {}

  at::Tensor run() {
    auto const index = choose();
    auto const n = index.size(0);
    auto total = arena_.new_row();
    bool const whole_batches = kind_ == FisherLabels::kBatch || kind_ == FisherLabels::kAccumulating;
    auto scratch = arena_.new_row();
    std::int64_t batches = 0;
    for (std::int64_t first = 0; first < n; first += r_.options.batch, ++batches) {
      if (r_.poll) r_.poll();
      auto const part = index.narrow(0, first, std::min(r_.options.batch, n - first));
      auto const batch = batch_of(part);
      if (whole_batches)
        add_batch(batch, scratch, total);
      else
        add_samples(batch, scratch, total);
    }
    total.div_(static_cast<double>(whole_batches ? batches : n));
    if (!at::isfinite(total.sum()).item<bool>())
      throw NumericError("importance (" + r_.options.labels + " labels, " + std::to_string(n) +
                         " samples): not finite. The model has diverged; lower the learning rate");
    return total;
  }

 private:
  /// The samples in data order, or a random part in random order.
  at::Tensor choose() const {
    auto const all = r_.data.size();
    auto const wanted = r_.options.count(all);
    if (wanted == all) return at::arange(all, r_.data.labels().options());
    return draw_permutation(all, r_.choice, r_.data.device()).narrow(0, 0, wanted);
  }

  Batch batch_of(at::Tensor const& index) const {
    Batch batch(r_.data, index, r_.task.value_or(-1), {.task_at_training = r_.task.has_value()});
    if (r_.activate) r_.activate(batch);
    return batch;
  }

  /// Logits are those that take part in the softmax.
  Output forward(Batch const& batch) const {
    auto const gates = r_.gates ? r_.gates(batch) : Gates();
    auto output = r_.learner.forward(batch, {.training = false, .gates = &gates}, r_.noise);
    if (by_classes()) output.logits = active_logits(batch, output.logits);
    return output;
  }

  at::Tensor sample_losses(Batch const& batch, Output const& output) const {
    return r_.per_sample_loss ? r_.per_sample_loss(batch, output) : r_.learner.per_sample_loss(batch, output);
  }

  [[nodiscard]] bool by_classes() const {
    return !r_.per_sample_loss && dynamic_cast<Predicts const*>(&r_.learner) != nullptr &&
           kind_ != FisherLabels::kEmpirical;
  }

  void add_batch(Batch const& batch, at::Tensor const& scratch, at::Tensor const& total) {
    GradientSink sink(arena_, scratch, Reduction::kSum);
    ParameterArena::Redirect const redirect(arena_, sink);
    arena_.begin_gradient();
    sample_losses(batch, forward(batch)).mean().backward();
    arena_.finish_gradient();
    if (kind_ == FisherLabels::kAccumulating) {
      accumulated_ = accumulated_.defined() ? accumulated_.add_(scratch) : scratch.clone();
      total.addcmul_(accumulated_, accumulated_);
    } else {
      total.addcmul_(scratch, scratch);
    }
  }

  void add_samples(Batch const& batch, at::Tensor const& scratch, at::Tensor const& total) {
    if (!slow_) {
      auto const noise = r_.noise.get_state(), choice = r_.choice.get_state();
      auto const obstacle = squares(batch, scratch);
      if (obstacle.empty()) {
        total.add_(scratch);
        return;
      }
      r_.noise.set_state(noise);
      r_.choice.set_state(choice);
      fall_back(obstacle);
    }
    one_by_one(batch, scratch, total);
  }

  void fall_back(std::string const& why) {
    slow_ = true;
    if (r_.note) r_.note("importance: " + why + "; using one backward pass per sample, which is slower");
  }

  /// Squares of a whole batch at once into `scratch`; or, if the net does not allow it, the reason.
  std::string squares(Batch const& batch, at::Tensor const& scratch) {
    bool const all = by_classes() && kind_ == FisherLabels::kAll;
    GradientSink sink(arena_, scratch, all ? Reduction::kExpectedSquares : Reduction::kSumOfSquares);
    ParameterArena::Redirect const redirect(arena_, sink);
    arena_.begin_gradient();
    auto const output = forward(batch);
    if (arena_.has_leaves()) return "the net has parameters outside Mneme's layers";
    try {
      if (!by_classes())
        sample_losses(batch, output).sum().backward();
      else if (all)
        all_labels(output.logits, [&](bool last) { sink.last_pass = last; });
      else
        output.logits.backward(drawn_seed(output.logits));
    } catch (LayerReused const& reused) {
      return "'" + reused.segment + "' is used more than once in a forward pass";
    }
    arena_.finish_gradient();
    return {};
  }

  /// d(-log p(c|x))/d logits for labels drawn from the model [N, C].
  at::Tensor drawn_seed(at::Tensor const& logits) const {
    at::NoGradGuard const no_grad;
    auto seed = at::softmax(logits, 1);
    auto const drawn = draw_columns(seed, r_.choice).unsqueeze(1);
    return seed.scatter_add_(1, drawn, at::full({drawn.size(0), 1}, -1.0, seed.options()));
  }

  template <class BeforePass>
  static void all_labels(at::Tensor const& logits, BeforePass before_pass) {
    auto const p = at::softmax(logits.detach(), 1);
    auto const root = p.sqrt();
    for (std::int64_t c = 0; c < logits.size(1); ++c) {
      auto seed = p.clone();
      seed.select(1, c).sub_(1);
      seed.mul_(root.select(1, c).unsqueeze(1));
      bool const last = c + 1 == logits.size(1);
      before_pass(last);
      logits.backward(seed, !last);
    }
  }

  /// One backward pass per sample (and label): right for any net.
  void one_by_one(Batch const& batch, at::Tensor const& scratch, at::Tensor const& total) {
    GradientSink sink(arena_, scratch, Reduction::kSum);
    ParameterArena::Redirect const redirect(arena_, sink);
    auto const square = [&](at::Tensor const& root, at::Tensor const& seed, bool keep) {
      arena_.begin_gradient();
      root.backward(seed, keep);
      arena_.finish_gradient();
      total.addcmul_(scratch, scratch);
    };
    at::Tensor drawn;  // for the batch at once, so that the draws are those of the fast path
    if (by_classes() && kind_ == FisherLabels::kSampled) drawn = drawn_seed(forward(batch).logits.detach());
    for (std::int64_t i = 0; i < batch.size(); ++i) {
      auto const one = batch.rows(i, 1);
      auto const output = forward(one);
      if (!by_classes()) {
        square(sample_losses(one, output).sum(), {}, false);
      } else if (kind_ == FisherLabels::kAll) {
        auto const p = at::softmax(output.logits.detach(), 1);
        for (std::int64_t c = 0; c < p.size(1); ++c) {
          auto seed = p.clone();
          seed.select(1, c).sub_(1);
          square(output.logits, seed.mul_(p.select(1, c).sqrt()), c + 1 < p.size(1));
        }
      } else {
        square(output.logits, drawn.narrow(0, i, 1), false);
      }
    }
  }

  ImportanceRequest const& r_;
  ParameterArena& arena_;
  FisherLabels kind_;
  at::Tensor accumulated_;
  bool slow_ = false;
};

}  // namespace

at::Tensor diagonal_fisher(ImportanceRequest const& request) {
  at::AutoGradMode const grad(true);
  return FisherPass(request).run();
}

}  // namespace mneme
