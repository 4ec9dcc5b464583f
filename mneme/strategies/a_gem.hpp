// Averaged gradient episodic memory: where a step would raise the loss on stored samples, the part of the gradient that
// would do so is taken out.
//
//   r = gradient of the mean loss on B_m stored samples
//   g <- g - (g.r / r.r) r   if g.r < 0
//
// Chaudhry et al. 2019, Efficient lifelong learning with A-GEM, ICLR, arXiv:1812.00420, eq. 11.
//
// fill = event: the paper's memory, which holds earlier tasks only: at the end of an event a random part of its data,
// `per_task` samples of each task or (0) an equal share of the M places. fill = step: samples are stored after the step
// that trained on them, so that the memory also holds some of the task being learnt and no boundary is needed (A-GEM-R
// of Buzzega et al. 2020).
//
// Differences from the paper: fill = step is the default; M places are shared by the tasks so far, where the paper has
// a fixed number for each (`per_task`). Nothing is projected during the first event. r is taken in evaluation mode.
#pragma once

#include "mneme/strategies/replay.hpp"

namespace mneme {

struct AGemOptions {
  BufferOptions buffer = {.policy = "task-balanced"};
  std::int64_t batch = 256;
  FillOptions fill = {};
  void describe(OptionVisitor& v);
};

/// grad [P] <- grad - min(0, grad.r / r.r) r. A reference of zeros changes nothing. No value leaves the device.
void remove_conflict(at::Tensor const& grad, at::Tensor const& reference);

class AGem final : public Strategy, public LetsGo {
 public:
  explicit AGem(AGemOptions options) : options_(std::move(options)), buffer_(options_.buffer) {}
  [[nodiscard]] Needs needs() const override { return {.projects = true, .prefix = Prefix::kWatches}; }
  void begin_event(EventContext& context) override;
  void end_event(EventContext& context) override;
  void project_gradient(StepContext& context) override;
  void after_step(StepContext& context) override;
  void grown(Growth const&) override { reference_.reset(); }
  void let_go(Forgotten const& forgotten, EventContext&) override { drop(buffer_, forgotten); }
  void state(Archive& archive) override { buffer_.state(archive); }
  [[nodiscard]] Buffer const& buffer() const { return buffer_; }

 private:
  AGemOptions options_;
  Buffer buffer_;
  at::Tensor reference_;  // r [P]: written anew in each step
};

}  // namespace mneme
