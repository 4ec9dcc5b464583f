// What is measured: Mneme's own ways to do a round of work, through the same interfaces that a run uses.
#pragma once

#include <memory>

#include "mneme/train/trainer.hpp"

namespace mneme::bench {

/// 60,000 samples of random bytes 28x28 with labels 0..9, made once.
Dataset const& images();

/// "mlp" or "cnn" with fresh weights.
std::unique_ptr<Learner> classifier(std::string const& net);

/// Epochs over the task data, each over the next `samples` of `images`: every row is met in memory, not in the cache.
class Training {
 public:
  /// `net` of a classifier, or "cvae", "cvae_conv".
  Training(std::string const& net, Json const& strategy, std::int64_t batch, std::int64_t samples);
  ~Training();

  /// Seconds of one epoch's stage: shuffle, batches, steps; not the event around it.
  double epoch();
  /// Ends `count` more events, each a task for the strategy to consolidate. Tasks come round in turns of `kTasks`.
  void add_tasks(std::int64_t count);
  /// Seconds of one importance pass over as many samples as an epoch has.
  double fisher(std::string const& labels);

 private:
  [[nodiscard]] Dataset next_samples();

  std::unique_ptr<Learner> learner_;
  std::unique_ptr<Trainer> trainer_;
  RandomStreams streams_{0};
  std::int64_t samples_, first_ = 0, events_ = 0;
  double stage_seconds_ = 0;
};

inline constexpr std::int64_t kTasks = 5;

/// A conditional VAE of the catalogue's `selective-amnesia` that forgets a class, again and again.
class Amnesia {
 public:
  /// `options` of the strategy over its defaults.
  Amnesia(std::string const& net, Json const& options, std::int64_t batch);
  ~Amnesia();
  /// Seconds of a whole request: Fisher information and steps.
  double request();

 private:
  std::unique_ptr<Learner> learner_;
  std::unique_ptr<Trainer> trainer_;
};

/// A phase of lgaa ("critic", "generator", "inference") over a batch of random images, step after step.
class LgaaPhase {
 public:
  LgaaPhase(std::string const& phase, std::int64_t batch, double width);
  /// Seconds of so many steps.
  double steps(std::int64_t count);

 private:
  std::unique_ptr<Learner> learner_;
  std::size_t phase_;
  Batch batch_;
  ArenaOptimizer optimizer_;
  RandomStreams streams_{0};
};
/// Scalars that the phase trains.
std::int64_t trained_parameters(double width, std::string const& phase);

/// What methods add to a step: passes over a batch of `rows`.
class Passes {
 public:
  Passes(std::string const& net, std::int64_t rows);
  /// Seconds of so many forward passes without gradient.
  double forward(std::int64_t count);
  /// Seconds of so many gradients into a row of their own.
  double gradient(std::int64_t count);

 private:
  std::unique_ptr<Learner> learner_;
  RandomStreams streams_{0};
  Batch batch_;
  at::Tensor row_;
};

/// Seconds of one evaluation of `test`.
double evaluation(Learner& learner, Dataset const& test, std::int64_t batch);

/// A whole run of two tasks by the settings of the catalogue's `ewc-mlp`, with log, curve and checkpoints.
/// What the log, the data and the bookkeeping take of it is the difference of the two.
struct RunSeconds {
  double work, total;
};
RunSeconds whole_run();

}  // namespace mneme::bench
