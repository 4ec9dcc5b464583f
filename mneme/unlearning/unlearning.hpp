// unlearning: methods for Forget events. One method is a header, a source and a row of the strategy table, so that it
// stands in a list beside a method for Learn events: strategy = ["er", "salun"]. Its hooks run in Forget events only.
#pragma once

#include "mneme/core/options.hpp"
#include "mneme/importance/fisher.hpp"
#include "mneme/strategies/forgetting.hpp"

namespace mneme {

/// How long a method trains. A short repair of trained weights, so an epoch unless said.
struct UnlearnLength {
  std::int64_t epochs = 1;
  std::int64_t steps = 0;
  double lr_scale = 1.0;
  void describe(OptionVisitor& v);
  [[nodiscard]] Stage stage(std::string name, Dataset data) const;
};

class Unlearning : public Strategy, public Unlearns {
 public:
  [[nodiscard]] Needs needs() const override { return {.forgets = true}; }
  [[nodiscard]] bool uses_retained() const override { return true; }
  void take(ForgetData data) override { data_ = std::move(data); }
  void release() override { data_ = {}; }

 protected:
  /// Of the event under way.
  [[nodiscard]] ForgetData const& data() const { return data_; }
  /// `batch`, and behind it as many samples drawn from what is to be retained.
  [[nodiscard]] Batch with_retained(Batch const& batch, StepContext& context) const;

 private:
  ForgetData data_;
};

/// Diagonal Fisher [P] of the learner on `data` as `options` say, through the heads and gates of the run; said in the
/// log under `name`.
[[nodiscard]] at::Tensor importance_on(std::string const& name, Dataset const& data, FisherOptions const& options,
                                       EventContext& context);

/// Samples of `forget`, which stand first, and of `retain` in one set.
[[nodiscard]] Dataset both(ForgetData const& data);

}  // namespace mneme
