// Classifier: a net and cross-entropy over its outputs. Loss: mean over the batch of -log softmax(logits)_y, in nats.
#pragma once

#include <functional>

#include "mneme/learners/learner.hpp"
#include "mneme/learners/needs_batch.hpp"
#include "mneme/nets/input.hpp"

namespace mneme {

class Classifier final : public Learner, public Predicts, public NeedsBatch {
 public:
  /// Builds the net into the learner's arena; called again by `snapshot`.
  using MakeNet = std::function<std::unique_ptr<Net>(ParameterArena&)>;
  /// Initialises from `init`; without one the values stay zero.
  Classifier(MakeNet make, at::Device device, at::Generator* init, Head head = Head::kAuto, Input input = {});

  [[nodiscard]] std::string kind() const override { return "classifier"; }
  [[nodiscard]] Head head() const override { return head_; }
  void initialise(at::Generator& generator) override { net_->initialise(generator); }
  void check(Dataset const& data) const override;
  [[nodiscard]] std::int64_t least_batch() const override { return net_->least_batch(); }
  Output forward(Batch const& batch, ForwardContext const& context, at::Generator& noise) override;
  at::Tensor per_sample_loss(Batch const& batch, Output const& output) override;
  at::Tensor loss(Phase const& phase, Batch const& batch, Output const& output) override;
  [[nodiscard]] std::span<Metric const> metrics() const override;
  at::Tensor measure(Batch const& batch, Output const& output) override;
  [[nodiscard]] std::unique_ptr<Learner> snapshot() const override;
  [[nodiscard]] at::Tensor views(at::Tensor const& x, RandomStreams& streams) const override;
  [[nodiscard]] Net& net() { return *net_; }

 private:
  MakeNet make_;
  Head head_;
  Input input_;
  std::unique_ptr<Net> net_;
};

}  // namespace mneme
