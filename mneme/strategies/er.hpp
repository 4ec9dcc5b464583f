// Experience replay: each step trains on the new batch together with as many stored samples of the past.
//
//   L = (1/(B + B_m)) ( sum over B new samples of CE + sum over B_m stored samples of CE )
//
// Ratcliff 1990; Chaudhry et al. 2019, On tiny episodic memories in continual learning, arXiv:1902.10486. Memory:
// a reservoir over everything seen, or another policy; a batch enters after its step, never before.
//
// Differences from the paper: nothing is replayed during the first event (so that its run is the naive one, and arms
// can share it) unless `from_start` asks for it; a stored batch is drawn with replacement unless `draw` is distinct;
// the two parts are one mean, not a sum of two means.
#pragma once

#include "mneme/strategies/replay.hpp"

namespace mneme {

struct ErOptions {
  BufferOptions buffer = {};
  ReplayOptions replay = {};
  void describe(OptionVisitor& v);
};

class Er final : public Strategy, public LetsGo {
 public:
  explicit Er(ErOptions options) : options_(std::move(options)), buffer_(options_.buffer) {}
  [[nodiscard]] Needs needs() const override { return {.prefix = options_.replay.prefix()}; }
  Batch compose(Batch batch, StepContext& context) override;
  void after_step(StepContext& context) override;
  void let_go(Forgotten const& forgotten, EventContext&) override { drop(buffer_, forgotten); }
  void state(Archive& archive) override { buffer_.state(archive); }
  [[nodiscard]] Buffer const& buffer() const { return buffer_; }

 private:
  ErOptions options_;
  Buffer buffer_;
};

}  // namespace mneme
