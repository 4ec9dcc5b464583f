// GDumb: a memory with as many samples of each class as of any other, and a network trained on it from scratch each
// time that it is asked. Nothing else is learnt from the stream.
//
//   memory        (x, y) enters while its class holds fewer than M / classes seen; when the memory is full a random
//                 sample of the largest class gives way
//   evaluation    theta drawn anew;  theta <- argmin of the mean of CE over the memory, by the run's optimizer
//
// Prabhu, Torr and Dokania 2020, GDumb: a simple approach that questions our progress in continual learning, ECCV,
// alg. 1 (memory) and sec. 3. With `restarts`, as in the authors' code: one epoch at a tenth of the learning rate, then
// cycles of 1, 2, 4, ... epochs, each of which goes through the run's schedule (the authors': cosine from 0.05 to
// 0.0005; SGD with momentum 0.9, weight decay 1e-6, batches of 16, gradients clipped at norm 10).
//
// Differences from the paper: the learning rate moves at every step of a cycle, not once an epoch; no CutMix. The
// optimizer is the run's.
#pragma once

#include "mneme/strategies/replay.hpp"

namespace mneme {

struct GdumbOptions {
  std::int64_t memory = 1000;
  std::int64_t epochs = 10;
  bool restarts = false;
  void describe(OptionVisitor& v);
};

class Gdumb final : public Strategy, public LetsGo {
 public:
  explicit Gdumb(GdumbOptions options) : options_(options), buffer_({.memory = options.memory, .policy = "greedy"}) {}
  [[nodiscard]] Needs needs() const override {
    return {.stages = true,
            .alone = "what is tested is trained on its own memory, from fresh weights",
            .learners = {"classifier"},
            .prefix = Prefix::kChanges};
  }
  /// One pass over the event's data, without training.
  std::vector<Stage> stages(EventContext& context) override;
  void after_step(StepContext& context) override;
  std::vector<Stage> before_evaluation(EventContext& context) override;
  void let_go(Forgotten const& forgotten, EventContext&) override { drop(buffer_, forgotten); }
  void state(Archive& archive) override { buffer_.state(archive); }
  [[nodiscard]] Buffer const& buffer() const { return buffer_; }

 private:
  GdumbOptions options_;
  Buffer buffer_;
};

/// The training of a network on `memory` from scratch, as one stage or as the cycles of `restarts`.
[[nodiscard]] std::vector<Stage> gdumb_training(GdumbOptions const& options, Dataset const& memory);

}  // namespace mneme
