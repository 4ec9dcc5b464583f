// Random labels: what is to be forgotten is trained on with labels drawn anew in every step, together with what is to
// be retained.
//
//   L = (1/B) sum over B samples of D_f and D_r of l(x, y'),   y' uniform over the retained classes but y for D_f
//
// Graves et al. 2021, Amnesiac machine learning, AAAI, arXiv:2010.10981; `labels = "all"` draws over all retained
// classes, which for single samples leaves one in C right: Fan et al. 2024, arXiv:2310.12508, as their code does.
//
// SalUn moves only the weights that matter to what is forgotten:
//
//   m = 1 where |g| >= quantile of |g| and g != 0,  g = gradient of the mean loss on D_f at theta_o
//   theta <- m theta + (1 - m) theta_o  after every step
//
// Fan et al. 2024, SalUn: empowering machine unlearning via gradient-based weight saliency, arXiv:2310.12508, eq. 4-5.
// Difference: a weight without any gradient is never salient, also where most have none.
#pragma once

#include "mneme/strategies/checks_requests.hpp"
#include "mneme/unlearning/unlearning.hpp"

namespace mneme {

struct RandomLabelsOptions {
  UnlearnLength length = {};
  std::string labels = "others";
  void describe(OptionVisitor& v);
};

/// Labels [N] drawn uniformly from `candidates` (int64 [K], ascending, different), with `others` never the label itself
/// unless it is the only candidate.
[[nodiscard]] at::Tensor drawn_labels(at::Tensor const& labels, at::Tensor const& candidates, bool others,
                                      at::Generator& generator);

class RandomLabels : public Unlearning, public ChecksRequests {
 public:
  explicit RandomLabels(RandomLabelsOptions options) : options_(std::move(options)) {}
  [[nodiscard]] Needs needs() const override { return {.forgets = true, .learners = {"classifier"}}; }
  /// Refuses streams that show the task at test.
  void check(Asked const& asked) const override;
  std::vector<Stage> stages(EventContext& context) override;
  Batch compose(Batch batch, StepContext& context) override;
  void end_event(EventContext&) override { candidates_ = at::Tensor(); }

 private:
  RandomLabelsOptions options_;
  at::Tensor candidates_;  // of the event; made when it is asked for
};

struct SalUnOptions {
  RandomLabelsOptions random = {};
  double quantile = 0.5;
  void describe(OptionVisitor& v);
};

/// bool [P]: the elements of |g| at or above the quantile, those that are 0 left out.
[[nodiscard]] at::Tensor salient(at::Tensor const& gradient, double quantile);

class SalUn final : public RandomLabels {
 public:
  explicit SalUn(SalUnOptions const& options) : RandomLabels(options.random), quantile_(options.quantile) {}
  void begin_event(EventContext& context) override;
  void end_event(EventContext& context) override;
  void project_gradient(StepContext& context) override;
  void after_step(StepContext& context) override;
  void state(Archive& archive) override;

 private:
  double quantile_;
  at::Tensor mask_;    // bool [P], of the event
  at::Tensor origin_;  // [P]: theta_o
};

}  // namespace mneme
