// Gradient-based sample selection, greedy: keeps the samples whose gradients point in the most different directions.
//
//   s(x, y)  = max over j of cos(g(x, y), G_j),  G_j the gradient of the mean loss of the j-th of n random subsets of
//              the memory
//   room     new samples are stored with their s (0.1 for the first ones)
//   full     only if max over j of cos(G, G_j) < 0, G the gradient of the mean loss of the new samples: slots i are
//            drawn without replacement with probability ~ (s_i - min s) / (max s - min s + 0.01), one for each new
//            sample, which takes its slot with probability s'_i / (s'_i + s'_new);   s' = (s + 1) / 2
//   L        = mean of l over B new and B_m stored samples, as in experience replay
//
// Aljundi et al. 2019, Gradient based sample selection for online continual learning, NeurIPS, arXiv:1903.08671, alg. 2
// (GSS-Greedy). The probabilities of slots are the authors' code's; the paper draws them by s'.
//
// `convention = "mammoth"`, whose published tables are of it: new samples are compared with single stored ones
// (`subset_size = 1` besides), in batches there is
//
//   room     all samples that are stored get the score of their batch, those of the first batch -0.9
//   full     for one new sample after the other a slot is drawn with probability ~ s'_i, a slot just taken among them
//
// All cosines come from one forward and one backward pass over new samples and subsets together
// (importance/gradient_products.hpp).
//
// Differences from the paper: nothing is replayed during the first event unless `from_start` asks for it; a batch is
// judged as a whole before its samples are, as in the authors' code; new and stored samples make one step, the authors'
// code makes two; gradients are taken after the step, in evaluation mode and without the gates of other strategies.
#pragma once

#include <string>
#include <vector>

#include "mneme/strategies/replay.hpp"

namespace mneme {

struct GssOptions {
  std::int64_t memory = 300;
  ReplayOptions replay = {};
  std::int64_t subsets = 10;
  std::int64_t subset_size = 10;
  std::string convention = "authors";
  void describe(OptionVisitor& v);
};

/// How new samples stand to subsets of the memory.
struct GradientSimilarity {
  at::Tensor each;   // [B]: s of every new sample
  at::Tensor batch;  // scalar: that of their mean
};

/// From the products [N, N] of `fresh` new samples and, behind them, `subsets` runs of equally many stored ones.
[[nodiscard]] GradientSimilarity gradient_similarity(at::Tensor const& products, std::int64_t fresh,
                                                     std::int64_t subsets);

/// Weights of the slots' draw, (s - min s) / (max s - min s + 0.01): the sample that is most like the rest comes first,
/// the least alike hardly ever. [M]
[[nodiscard]] at::Tensor chance_of_slots(at::Tensor const& scores);

/// s'_i / (s'_i + s'_new), s' = (s + 1) / 2, for the scores of stored samples and of those that would take their
/// places.
[[nodiscard]] at::Tensor chance_to_give_way(at::Tensor const& stored, at::Tensor const& fresh);

/// Which new sample stands in each slot in the end, -1 for none [M], where each in turn draws a slot by s' and takes it
/// with that chance; `stored` [M] and `fresh` [B] are scores, `uniform` [B, 2] numbers in [0, 1) for the two.
[[nodiscard]] std::vector<std::int64_t> taken_in_turn(at::Tensor const& stored, at::Tensor const& fresh,
                                                      at::Tensor const& uniform);

class Gss final : public Strategy, public LetsGo {
 public:
  explicit Gss(GssOptions options)
      : options_(std::move(options)), buffer_({.memory = options_.memory, .policy = "gss"}) {}
  [[nodiscard]] Needs needs() const override {
    return {.learners = {"classifier", "vae"}, .prefix = options_.replay.prefix()};
  }
  Batch compose(Batch batch, StepContext& context) override;
  void after_step(StepContext& context) override;
  void let_go(Forgotten const& forgotten, EventContext&) override;
  void grown(Growth const&) override { scratch_.reset(); }
  void state(Archive& archive) override;
  [[nodiscard]] Buffer const& buffer() const { return buffer_; }
  [[nodiscard]] at::Tensor const& scores() const { return scores_; }

 private:
  [[nodiscard]] GradientSimilarity similarity(Batch const& fresh, StepContext& context);
  void fill(Rows const& rows, StepContext& context);
  void replace(Rows const& rows, StepContext& context);
  [[nodiscard]] bool mammoth() const { return options_.convention == "mammoth"; }
  void put(Rows const& rows, at::Tensor const& slots, at::Tensor const& scores);

  GssOptions options_;
  Buffer buffer_;
  at::Tensor scores_;   // [M]: s by slot
  at::Tensor scratch_;  // [P]
};

}  // namespace mneme
