// Dark experience replay: the network is held to the logits that it gave stored samples when they were stored.
//
//   der     L = CE(x, y) + alpha 1/(B_m C) sum over B_m stored samples x' of || f(x') - z' ||^2
//   der++   L = der + beta CE(x'', y''), (x'', y'') of a second, independent draw of B_m
//
// z' are the logits f(x') of the step in which x' entered the buffer, before its update; CE is the mean over its batch.
// Buzzega et al. 2020, Dark experience for general continual learning: a strong, simple baseline, NeurIPS,
// arXiv:2004.07211, eq. 5 and 6.
//
// Differences from the paper: the squared distance is the mean over all B_m C outputs, as in the authors' code, where
// the paper writes a sum over the C outputs: the paper's alpha is 1/C of this one. Nothing is replayed during the first
// event, so that its run is the naive one, unless `from_start` asks for it; draws are with replacement unless `draw` is
// distinct. A draw is trained on, so that its rows move running statistics of batch normalisation as the new ones do,
// again as in the authors' code: a net that keeps those of the new rows alone answers old classes much worse.
#pragma once

#include "mneme/strategies/replay.hpp"

namespace mneme {

struct DerOptions {
  BufferOptions buffer = {};
  ReplayOptions replay = {};
  double alpha = 0.5;
  void describe(OptionVisitor& v);
};

struct DerPlusPlusOptions : DerOptions {
  double beta = 0.5;
  void describe(OptionVisitor& v);
};

class Der final : public Strategy, public LetsGo {
 public:
  explicit Der(DerPlusPlusOptions options) : options_(std::move(options)), buffer_(options_.buffer) {}
  explicit Der(DerOptions options) : Der(DerPlusPlusOptions{std::move(options), 0.0}) {}
  [[nodiscard]] Needs needs() const override {
    return {.learners = {"classifier"}, .prefix = options_.replay.prefix()};
  }
  std::optional<at::Tensor> penalty(StepContext& context) override;
  void after_step(StepContext& context) override;
  Terms terms(StepContext&) override { return terms_; }
  /// What stays is answered anew, by the weights that have forgotten: the old answers were of weights that knew.
  void let_go(Forgotten const& forgotten, EventContext& context) override;
  void state(Archive& archive) override { buffer_.state(archive); }
  [[nodiscard]] Buffer const& buffer() const { return buffer_; }

 private:
  DerPlusPlusOptions options_;
  Buffer buffer_;
  Terms terms_;  // of the step
};

}  // namespace mneme
