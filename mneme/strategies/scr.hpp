// Supervised contrastive replay: features of one class are drawn together and of different classes pushed apart, over
// two views of new and stored samples; the class of the nearest mean of stored samples is the answer.
//
//   N = 2 (B + B_m) rows: B new and B_m stored samples and another view of each;  z = v / || v ||
//   L = mean over rows i of  -1/|P(i)| sum over p in P(i) of log( e^(z_i.z_p / tau) / Z_i )
//   Z_i = sum over a != i of e^(z_i.z_a / tau)
//
// P(i): the other rows of the class of i; a row without one is left out of the mean. Prediction: the class whose mean
// of phi over the memory is nearest, phi = h / || h || (strategies/nearest_mean.hpp).
//
// v: the last hidden layer h, or the logits as a linear projection of it. Mai et al. 2021, Supervised contrastive
// replay, CVPR workshop on continual learning, arXiv:2103.13885; loss: Khosla et al. 2020, arXiv:2004.11362, eq. 2.
//
// Differences from the paper: no projection head of its own (there an MLP to 128 numbers, thrown away for prediction);
// the other view is a shift and, if asked for, a mirror image (there crops, mirror images and colours); the first
// batch, before anything is stored, is trained on too; no review of the memory before a test.
#pragma once

#include <optional>

#include "mneme/strategies/nearest_mean.hpp"
#include "mneme/strategies/replay.hpp"

namespace mneme {

struct ScrOptions {
  BufferOptions buffer = {};
  std::int64_t batch = 100;
  double temperature = 0.07;
  std::string projection = "features";
  std::int64_t shift = 2;
  bool flip = false;
  void describe(OptionVisitor& v);
};

/// The loss above of rows z [N, D] of length 1 with labels int64 [N]; 0 where no row has another of its class.
[[nodiscard]] at::Tensor contrastive_loss(at::Tensor const& z, at::Tensor const& labels, double temperature);

class Scr final : public Strategy, public LetsGo {
 public:
  explicit Scr(ScrOptions options) : options_(std::move(options)), buffer_(options_.buffer) {}
  [[nodiscard]] Needs needs() const override {
    return {.replaces_objective = true,
            .learners = {"classifier"},
            .excludes = {{"xdg", kUngatedMeans}, {"hat", kUngatedMeans}},
            .prefix = Prefix::kChanges};
  }
  Batch compose(Batch batch, StepContext& context) override;
  std::optional<at::Tensor> objective(StepContext& context) override;
  void after_step(StepContext& context) override;
  void end_event(EventContext& context) override;
  void begin_test(TestContext& context) override;
  at::Tensor predict(Output const& output, Batch const&) override { return means_.scores(output); }
  void let_go(Forgotten const& forgotten, EventContext& context) override;
  void state(Archive& archive) override;
  [[nodiscard]] Buffer const& buffer() const { return buffer_; }

 private:
  ScrOptions options_;
  Buffer buffer_;
  NearestMean means_;
};

}  // namespace mneme
