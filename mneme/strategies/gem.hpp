// Gradient episodic memory: a step may not raise the loss on the stored samples of any past task; where it would, the
// nearest gradient is taken that does not.
//
//   g_k = gradient of the mean loss on the stored samples of task k, k < t: the rows of G.   If all g.g_k >= 0: g. Else
//   v = argmin 1/2 v' (G G' + ridge I) v + (G g)' v   subject to  v >= strength;      g <- g + G' v
//
// With strength and ridge 0 the result is the vector nearest to g with all g.g_k >= 0. A strength above 0 pulls towards
// all past tasks, also those that g agrees with.
//
// Lopez-Paz and Ranzato 2017, Gradient episodic memory for continual learning, NeurIPS, arXiv:1706.08840, eqs. 8 to 12.
//
// Samples are stored after the step that trained on them, or (fill = event) when their event ends: a random part of its
// data, `per_task` samples of each task or (0) an equal share of the M places.
//
// Differences from the paper: M slots are shared by the tasks seen so far, not by all that will come, unless `per_task`
// gives each its own; g_k is taken in evaluation mode.
#pragma once

#include "mneme/strategies/replay.hpp"

namespace mneme {

struct GemOptions {
  BufferOptions buffer = {.policy = "ring"};
  FillOptions fill = {};
  double strength = 0.5;
  double ridge = 1e-3;
  void describe(OptionVisitor& v);
};

/// grad [P] <- grad + G'v for the rows of `past` [k, P], contiguous, or stays as it is where it agrees with all. Only
/// the k (k + 1) products leave the device. Throws NumericError where they are not finite.
void project_on_agreement(at::Tensor const& grad, at::Tensor const& past, double strength, double ridge);

class Gem final : public Strategy, public LetsGo {
 public:
  explicit Gem(GemOptions options) : options_(std::move(options)), buffer_(options_.buffer) {}
  [[nodiscard]] Needs needs() const override {
    return {.task_at_training = true, .projects = true, .prefix = Prefix::kWatches};
  }
  void begin_event(EventContext& context) override { options_.fill.check("gem", context); }
  void end_event(EventContext& context) override;
  void project_gradient(StepContext& context) override;
  void after_step(StepContext& context) override;
  void grown(Growth const&) override { past_.reset(); }
  void let_go(Forgotten const& forgotten, EventContext&) override { drop(buffer_, forgotten); }
  void state(Archive& archive) override { buffer_.state(archive); }
  [[nodiscard]] Buffer const& buffer() const { return buffer_; }

 private:
  GemOptions options_;
  Buffer buffer_;
  at::Tensor past_;  // G [k, P]: written anew in each step
};

}  // namespace mneme
