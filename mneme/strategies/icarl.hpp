// iCaRL: a network trained on the new data and a few exemplars of each old class, held to its former outputs of the old
// classes, and a classifier by the nearest mean of exemplars.
//
//   L = 1/(N K) sum over N samples and K classes seen of BCE(sigmoid(f_c(x)), q_c(x))
//       q_c(x) = [c = y] for the classes of the event,   sigmoid(f_c(x; theta_old) / T) for the others
//   exemplars of class c: floor(M / K), by herding (memory/herding.hpp) on phi = h / ||h||, h the last hidden layer
//   prediction: argmin over c of || phi(x) - mu_c ||,  mu_c the mean of phi over the exemplars of c, at length 1
//
// Training goes through the new data and the exemplars as one set. theta_old: the network before the event. Rebuffi,
// Kolesnikov, Sperl and Lampert 2017, iCaRL: incremental classifier and representation learning, CVPR,
// arXiv:1611.07725, alg. 1 to 5.
//
// T = 1 in the paper, 2 in GMvandeVen/continual-learning, whose network's own outputs are not divided.
//
// Differences from the paper: the loss is the mean over samples and outputs as in the authors' code, not a sum over
// outputs; where an event brings no class that is new, all its classes are taught by their labels; exemplars of a class
// that comes again are chosen anew; amid an event a new class's mean is of as many of its first samples as it will have
// exemplars; no augmentation.
#pragma once

#include <optional>

#include "mneme/memory/exemplars.hpp"
#include "mneme/strategies/distillation.hpp"
#include "mneme/strategies/forgetting.hpp"
#include "mneme/strategies/nearest_mean.hpp"
#include "mneme/strategies/teacher.hpp"

namespace mneme {

struct IcarlOptions {
  std::int64_t memory = 2000;
  double temperature = 1;
  void describe(OptionVisitor& v);
};

/// Mean over N samples and the outputs in `seen` of the binary cross-entropy. Targets are [c = y], in the outputs `old`
/// the sigmoid of the teacher's logits over `temperature`. logits, teacher [N, C], labels int64 [N], seen and old bool
/// [C].
[[nodiscard]] at::Tensor icarl_loss(at::Tensor const& logits, at::Tensor const& labels, at::Tensor const& teacher,
                                    at::Tensor const& seen, at::Tensor const& old, double temperature = 1);

class Icarl final : public Strategy, public LetsGo {
 public:
  explicit Icarl(IcarlOptions options) : options_(options) {}
  [[nodiscard]] Needs needs() const override {
    return {.boundaries = true,
            .replaces_objective = true,
            .stages = true,
            .learners = {"classifier"},
            .excludes = {{"xdg", kUngatedMeans}, {"hat", kUngatedMeans}},
            .prefix = Prefix::kChanges};
  }
  void begin_event(EventContext& context) override;
  std::vector<Stage> stages(EventContext& context) override;
  std::optional<at::Tensor> objective(StepContext& context) override;
  void after_step(StepContext&) override { means_.expire(); }
  void end_event(EventContext& context) override;
  void begin_test(TestContext& context) override;
  at::Tensor predict(Output const& output, Batch const&) override { return means_.scores(output); }
  void let_go(Forgotten const& forgotten, EventContext& context) override;
  void grown(Growth const& growth) override { teacher_.grown(growth); }
  void state(Archive& archive) override;
  [[nodiscard]] Exemplars const& exemplars() const { return exemplars_; }

 private:
  [[nodiscard]] std::int64_t share(std::size_t classes) const;

  IcarlOptions options_;
  Exemplars exemplars_;
  Teacher teacher_;  // while classes are learnt beside old ones
  LearntOutputs learnt_;
  NearestMean means_;
  Rows arriving_;          // of new classes while the event goes on: their exemplars are chosen at its end
  at::Tensor seen_, old_;  // bool [C], of the event; made when they are asked for
};

}  // namespace mneme
