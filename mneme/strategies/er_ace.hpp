// ER-ACE: experience replay with an asymmetric cross-entropy, in which new samples do not push the outputs of old
// classes down.
//
//   L = 1/B sum over B new samples of CE(x, y; classes present among them)
//     + 1/B_m sum over B_m stored samples of CE(x, y; classes seen so far)
//
// CE(x, y; S) = -log(exp f_y(x) / sum over c in S of exp f_c(x)). Caccia et al. 2022, New insights on reducing abrupt
// representation change in online continual learning, ICLR, arXiv:2104.05025, sec. 4.2.
//
// Differences from the paper: nothing is masked or replayed during the first event, so that its run is the naive one.
// Where a head takes part of the outputs out of the softmax (per task, growing), the two sets are cut with it.
#pragma once

#include "mneme/strategies/replay.hpp"

namespace mneme {

struct ErAceOptions {
  BufferOptions buffer = {};
  std::int64_t batch = 0;
  void describe(OptionVisitor& v);
};

class ErAce final : public Strategy, public LetsGo {
 public:
  explicit ErAce(ErAceOptions options) : options_(std::move(options)), buffer_(options_.buffer) {}
  [[nodiscard]] Needs needs() const override {
    return {.replaces_objective = true, .learners = {"classifier"}, .prefix = Prefix::kWatches};
  }
  Batch compose(Batch batch, StepContext& context) override;
  std::optional<at::Tensor> objective(StepContext& context) override;
  void after_step(StepContext& context) override;
  Terms terms(StepContext&) override { return terms_; }
  void let_go(Forgotten const& forgotten, EventContext&) override { drop(buffer_, forgotten); }
  void state(Archive& archive) override;
  [[nodiscard]] Buffer const& buffer() const { return buffer_; }

 private:
  ErAceOptions options_;
  Buffer buffer_;
  at::Tensor seen_;  // bool [C]
  Terms terms_;      // of the step
};

}  // namespace mneme
