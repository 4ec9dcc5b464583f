// Maximally interfered retrieval: replays the stored samples whose loss the coming step would raise most.
//
//   theta^v = theta - lr grad L(B new samples)
//   s(x, y) = l(x, y; theta^v) - l(x, y; theta)   for C candidates drawn from the memory without replacement
//   L       = mean of l over the B new samples and the k candidates with the largest s
//
// Aljundi et al. 2019, Online continual learning with maximally interfered retrieval, NeurIPS, arXiv:1908.04742, sec.
// 3.1 (ER-MIR, the score s_MI-1).
//
// theta^v is written into the row of parameters itself and taken back: two rows [P], no copy of the model. Cost beside
// the step on B + k samples: a gradient on B, two forward passes of C without gradient.
//
// Differences from the paper: candidates are drawn from the whole buffer, the authors' code leaves those of the current
// task out; L is one mean, the authors' code adds the mean over new and the mean over replayed samples, which steps
// (B + k) / B times as far on the new ones; nothing is replayed during the first event; lr is an option, since the
// optimizer's own step may not be plain descent; gradient and scores are taken in evaluation mode and without the gates
// of other strategies.
#pragma once

#include "mneme/strategies/replay.hpp"

namespace mneme {

struct MirOptions {
  BufferOptions buffer = {};
  std::int64_t candidates = 50;
  std::int64_t batch = 10;
  double learning_rate = 0.05;
  void describe(OptionVisitor& v);
};

class Mir final : public Strategy, public LetsGo {
 public:
  explicit Mir(MirOptions options) : options_(std::move(options)), buffer_(options_.buffer) {}
  [[nodiscard]] Needs needs() const override { return {.prefix = Prefix::kWatches}; }
  Batch compose(Batch batch, StepContext& context) override;
  void after_step(StepContext& context) override;
  void grown(Growth const&) override;
  void let_go(Forgotten const& forgotten, EventContext&) override { drop(buffer_, forgotten); }
  void state(Archive& archive) override { buffer_.state(archive); }
  [[nodiscard]] Buffer const& buffer() const { return buffer_; }

 private:
  /// s of every candidate [C].
  [[nodiscard]] at::Tensor interference(Batch const& current, Batch const& candidates, StepContext& context);

  MirOptions options_;
  Buffer buffer_;
  at::Tensor gradient_, kept_;  // [P]: written anew in each step
};

}  // namespace mneme
