// Retraining: new parameters, trained on what is to be retained alone. The reference that all other methods are
// measured against, not a cheap method.
//
//   theta <- initial draw;   theta <- argmin (1/|D_r|) sum over D_r of l
//
// The draw is from a random stream of its own (`from-scratch`), so that it is not the run's first one again. After
// several tasks it trains on the union of what is left of them, as `cumulative` does, whatever the stream's order was.
#pragma once

#include "mneme/unlearning/unlearning.hpp"

namespace mneme {

struct RetrainOptions {
  std::int64_t epochs = 0;
  void describe(OptionVisitor& v);
};

class Retrain final : public Unlearning {
 public:
  explicit Retrain(RetrainOptions options) : options_(options) {}
  /// Goes with no importance: it would hold weights that mean something else now.
  [[nodiscard]] Needs needs() const override;
  std::vector<Stage> stages(EventContext& context) override;

 private:
  RetrainOptions options_;
};

/// Fine-tuning: training goes on with what is to be retained, and what is not seen any more is hoped to be lost.
///
///   L = (1/B) sum over B samples of D_r of l
class FineTune final : public Unlearning {
 public:
  explicit FineTune(UnlearnLength options) : options_(options) {}
  std::vector<Stage> stages(EventContext& context) override;

 private:
  UnlearnLength options_;
};

}  // namespace mneme
