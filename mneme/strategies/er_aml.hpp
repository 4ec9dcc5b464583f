// ER-AML: experience replay with asymmetric metric learning. New samples are drawn together by class on the features
// and never meet the classifier; only stored samples do, so that new classes do not push old ones away.
//
//   L    = CE(B_m stored samples) + L_in
//   L_in = -(tau/tau_b) mean over new samples i of  mean over j in K, y_j = y_i, of
//            log( exp(s_ij) / sum over k in K of exp(s_ik) ),      s_ij = cos(h_i, h_j) / tau
//
// h are the features. For each i one positive (its class, not i itself) and one negative (another class of the new
// batch, or any other class) are drawn from new and stored samples; K is all of them. A sample without a positive or
// a negative takes no part. Caccia et al. 2022, New insights on reducing abrupt representation change in online
// continual learning, ICLR, arXiv:2104.05025, sec. 4.1, with the constants of the authors' code.
//
// Differences from the paper: during the first event the run is the naive one. Candidates among the new samples share
// the features of the step's forward pass; stored ones are forwarded with it.
#pragma once

#include "mneme/strategies/replay.hpp"

namespace mneme {

struct ErAmlOptions {
  BufferOptions buffer = {};
  std::int64_t batch = 0;
  double temperature = 0.1;
  double base_temperature = 0.07;
  std::string negatives = "present";
  void describe(OptionVisitor& v);
};

/// L_in of anchors [A, F] against candidates [K, F]; every anchor has a candidate of its label.
[[nodiscard]] at::Tensor metric_loss(at::Tensor const& anchors, at::Tensor const& anchor_labels,
                                     at::Tensor const& candidates, at::Tensor const& candidate_labels,
                                     double temperature, double base_temperature);

/// A positive and a negative for every anchor that has both, as places in a pool that begins with the anchors.
struct Pairs {
  at::Tensor anchors;               // int64 [A] of the new samples
  at::Tensor positives, negatives;  // int64 [A]
};
/// `pool` int64 [K]: labels, the new samples' first. With `present` negatives are of the new samples' classes.
[[nodiscard]] Pairs draw_pairs(at::Tensor const& pool, std::int64_t fresh, bool present, at::Generator& generator);

class ErAml final : public Strategy, public LetsGo {
 public:
  explicit ErAml(ErAmlOptions options) : options_(std::move(options)), buffer_(options_.buffer) {}
  [[nodiscard]] Needs needs() const override {
    constexpr auto kDropped = "er-aml's loss is over what it replays itself, and other replayed rows would be dropped";
    return {.replaces_objective = true,
            .learners = {"classifier"},
            .excludes =
                {{"er", kDropped}, {"mir", kDropped}, {"gss", kDropped}, {"dgr", kDropped}, {"dgr+distill", kDropped}},
            .prefix = Prefix::kWatches};
  }
  Batch compose(Batch batch, StepContext& context) override;
  std::optional<at::Tensor> objective(StepContext& context) override;
  void after_step(StepContext& context) override;
  Terms terms(StepContext&) override { return terms_; }
  void let_go(Forgotten const& forgotten, EventContext&) override { drop(buffer_, forgotten); }
  void state(Archive& archive) override { buffer_.state(archive); }
  [[nodiscard]] Buffer const& buffer() const { return buffer_; }

 private:
  ErAmlOptions options_;
  Buffer buffer_;
  // Of the step: rows of its batch.
  std::int64_t replayed_first_ = 0, replayed_count_ = 0;
  at::Tensor anchors_, candidates_;
  Terms terms_;
};

}  // namespace mneme
