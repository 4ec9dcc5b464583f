#include "mneme/importance/pass.hpp"

#include <torch/autograd.h>
#include <torch/types.h>

#include <algorithm>

#include "mneme/core/errors.hpp"

namespace mneme {
namespace {

class Pass {
 public:
  Pass(ImportanceRequest const& request, Power power)
      : r_(request), arena_(request.learner.parameters()), kind_(request.options.estimator()), power_(power) {}

  at::Tensor run() {
    auto const index = choose();
    auto const n = index.size(0);
    auto total = arena_.new_row();
    bool const whole_batches =
        kind_ == FisherLabels::kBatch || kind_ == FisherLabels::kBatchPredicted || kind_ == FisherLabels::kAccumulating;
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
    bool const by_batches = whole_batches && power_ == Power::kSquare;
    total.div_(static_cast<double>(by_batches ? batches : n));
    if (!at::isfinite(total.sum()).item<bool>())
      throw NumericError("importance over " + std::to_string(n) +
                         " samples: not finite. The model has diverged; lower the learning rate");
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

  /// Of a learner that also draws, the classes are a part of the loss only.
  [[nodiscard]] bool by_classes() const {
    return !r_.per_sample_loss && dynamic_cast<Predicts const*>(&r_.learner) != nullptr &&
           dynamic_cast<Generates const*>(&r_.learner) == nullptr && kind_ != FisherLabels::kEmpirical;
  }

  void add_batch(Batch const& batch, at::Tensor const& scratch, at::Tensor const& total) {
    GradientSink sink(arena_, scratch, Reduction::kSum);
    ParameterArena::Redirect const redirect(arena_, sink);
    arena_.begin_gradient();
    auto const output = forward(batch);
    if (by_classes() && kind_ == FisherLabels::kBatchPredicted)
      output.logits.backward(towards(output.logits, output.logits.argmax(1)).div_(batch.size()));
    else
      sample_losses(batch, output).mean().backward();
    arena_.finish_gradient();
    if (power_ == Power::kAbsolute) {
      total.add_(scratch.abs(), static_cast<double>(batch.size()));
    } else if (kind_ == FisherLabels::kAccumulating) {
      accumulated_ = accumulated_.defined() ? accumulated_.add_(scratch) : scratch.clone();
      total.addcmul_(accumulated_, accumulated_);
    } else {
      total.addcmul_(scratch, scratch);
    }
  }

  void add_samples(Batch const& batch, at::Tensor const& scratch, at::Tensor const& total) {
    if (!slow_) {
      auto const noise = r_.noise.get_state(), choice = r_.choice.get_state();
      auto const obstacle = at_once(batch, scratch);
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

  /// Powers of a whole batch at once into `scratch`; or, if the net does not allow it, the reason.
  std::string at_once(Batch const& batch, at::Tensor const& scratch) {
    bool const all = by_classes() && kind_ == FisherLabels::kAll;
    auto const reduction = power_ == Power::kAbsolute ? Reduction::kSumOfAbsolutes
                           : all                      ? Reduction::kExpectedSquares
                                                      : Reduction::kSumOfSquares;
    GradientSink sink(arena_, scratch, reduction);
    ParameterArena::Redirect const redirect(arena_, sink);
    arena_.begin_gradient();
    auto const output = forward(batch);
    if (arena_.has_leaves()) return "the net has parameters outside Mneme's layers";
    try {
      if (!by_classes())
        sample_losses(batch, output).sum().backward();
      else if (all)
        all_labels(output.logits, outputs_of(batch, output.logits), [&](bool last) { sink.last_pass = last; });
      else
        output.logits.backward(seed_of(batch, output.logits));
    } catch (LayerReused const& reused) {
      return "'" + reused.segment + "' is used more than once in a forward pass";
    }
    arena_.finish_gradient();
    return {};
  }

  /// d(-log p(c|x))/d logits [N, C] for labels c [N].
  static at::Tensor towards(at::Tensor const& logits, at::Tensor const& labels) {
    at::NoGradGuard const no_grad;
    auto const seed = at::softmax(logits, 1);
    return seed.scatter_add(1, labels.unsqueeze(1), at::full({labels.size(0), 1}, -1.0, seed.options()));
  }

  /// The same for labels drawn from the model; or for the data's, times sqrt(p), so that the square is weighted by p.
  at::Tensor seed_of(Batch const& batch, at::Tensor const& logits) const {
    at::NoGradGuard const no_grad;
    auto const p = at::softmax(logits, 1);
    if (kind_ != FisherLabels::kWeighted) return towards(logits, draw_columns(p, r_.choice));
    return towards(logits, batch.y()).mul_(p.gather(1, batch.y().unsqueeze(1)).sqrt_());
  }

  /// The labels that the batch's samples can have: a pass for any other would add zeros.
  static std::vector<std::int64_t> outputs_of(Batch const& batch, at::Tensor const& logits) {
    std::vector<std::int64_t> list;
    auto const active = active_of(batch, logits.size(1));
    auto const mask = active.defined() && active.dim() == 1 ? active.cpu() : at::Tensor();
    for (std::int64_t c = 0; c < logits.size(1); ++c)
      if (!mask.defined() || mask[c].item<bool>()) list.push_back(c);
    return list;
  }

  template <class BeforePass>
  static void all_labels(at::Tensor const& logits, std::vector<std::int64_t> const& labels, BeforePass before_pass) {
    auto const p = at::softmax(logits.detach(), 1);
    auto const root = p.sqrt();
    for (auto const c : labels) {
      auto seed = p.clone();
      seed.select(1, c).sub_(1);
      seed.mul_(root.select(1, c).unsqueeze(1));
      bool const last = c == labels.back();
      before_pass(last);
      logits.backward(seed, !last);
    }
  }

  /// One backward pass per sample (and label): right for any net.
  void one_by_one(Batch const& batch, at::Tensor const& scratch, at::Tensor const& total) {
    GradientSink sink(arena_, scratch, Reduction::kSum);
    ParameterArena::Redirect const redirect(arena_, sink);
    auto const add = [&](at::Tensor const& root, at::Tensor const& seed, bool keep) {
      arena_.begin_gradient();
      root.backward(seed, keep);
      arena_.finish_gradient();
      if (power_ == Power::kAbsolute)
        total.add_(scratch.abs());
      else
        total.addcmul_(scratch, scratch);
    };
    at::Tensor seeds;  // for the batch at once, so that the draws are those of the fast path
    if (by_classes() && kind_ != FisherLabels::kAll) seeds = seed_of(batch, forward(batch).logits.detach());
    for (std::int64_t i = 0; i < batch.size(); ++i) {
      auto const one = batch.rows(i, 1);
      auto const output = forward(one);
      if (!by_classes()) {
        add(sample_losses(one, output).sum(), {}, false);
      } else if (kind_ == FisherLabels::kAll) {
        auto const p = at::softmax(output.logits.detach(), 1);
        auto const labels = outputs_of(one, output.logits);
        for (auto const c : labels) {
          auto seed = p.clone();
          seed.select(1, c).sub_(1);
          add(output.logits, seed.mul_(p.select(1, c).sqrt()), c != labels.back());
        }
      } else {
        add(output.logits, seeds.narrow(0, i, 1), false);
      }
    }
  }

  ImportanceRequest const& r_;
  ParameterArena& arena_;
  FisherLabels kind_;
  Power power_;
  at::Tensor accumulated_;
  bool slow_ = false;
};

}  // namespace

at::Tensor importance_pass(ImportanceRequest const& request, Power power) {
  TORCH_CHECK(power == Power::kSquare || request.per_sample_loss, "importance_pass: absolute values of which output?");
  at::AutoGradMode const grad(true);
  return Pass(request, power).run();
}

}  // namespace mneme
