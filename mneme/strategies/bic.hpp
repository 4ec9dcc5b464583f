// BiC: replay of exemplars with distillation, and then two numbers that take back the preference for the newest
// classes.
//
//   training     L = lambda KD + (1 - lambda) CE,   lambda = n_old / (n_old + n_new)
//                KD = mean over samples of - sum over old classes of q_c log p_c,   p = softmax(f / T),
//                q = softmax(f_old / T), T = 2, f_old the network before the event with its own correction
//   correction   f_c <- a f_c + b for the classes of the event;  (a, b) = argmin of the mean of CE over held-out
//                samples, as many of each class, + (ridge / 2) ((a - 1)^2 + b^2)
//
// Wu et al. 2019, Large scale incremental learning, CVPR, arXiv:1905.13260, eqs. 1 to 5. Exemplars: floor(M / K) of
// each of K classes; a share of them, and at most that share of the class's samples, drawn at random before the network
// sees them, is held out for the correction, the rest is chosen by herding and trained on together with the new data.
//
// Differences from the paper: CE over a and b is convex, so it is solved by Newton's method and not by epochs of
// gradient descent; the ridge keeps it finite where the held-out samples can be separated (the authors' code has 0.1
// b^2 / 2). Where an event brings no class that is new, all its classes count as new and are not distilled.
#pragma once

#include <optional>

#include "mneme/memory/exemplars.hpp"
#include "mneme/strategies/bias_correction.hpp"
#include "mneme/strategies/distillation.hpp"
#include "mneme/strategies/forgetting.hpp"
#include "mneme/strategies/teacher.hpp"

namespace mneme {

struct BicOptions {
  std::int64_t memory = 2000;
  double held_out = 0.1;
  double lambda = -1;
  double temperature = 2;
  double ridge = 0.01;
  void describe(OptionVisitor& v);
};

class Bic final : public Strategy, public LetsGo {
 public:
  explicit Bic(BicOptions options) : options_(options) {}
  [[nodiscard]] Needs needs() const override {
    return {.boundaries = true,
            .replaces_objective = true,
            .stages = true,
            .learners = {"classifier"},
            .prefix = Prefix::kChanges};
  }
  void begin_event(EventContext& context) override;
  std::vector<Stage> stages(EventContext& context) override;
  std::optional<at::Tensor> objective(StepContext& context) override;
  void end_event(EventContext& context) override;
  at::Tensor predict(Output const& output, Batch const&) override { return correction_.apply(output.logits); }
  void let_go(Forgotten const& forgotten, EventContext& context) override;
  void grown(Growth const& growth) override { teacher_.grown(growth); }
  void state(Archive& archive) override;
  [[nodiscard]] Exemplars const& exemplars() const { return exemplars_; }
  [[nodiscard]] Exemplars const& held_out() const { return held_out_; }
  [[nodiscard]] BiasCorrection const& correction() const { return correction_; }

 private:
  /// Classes that count as new in the event: where none is, all of it.
  [[nodiscard]] std::set<std::int64_t> fresh_classes(EventContext const& context) const;
  /// Of so many exemplars a class, how many are held out.
  [[nodiscard]] std::int64_t held_out_of(std::int64_t share) const;
  /// The event's data without what is held out.
  [[nodiscard]] Dataset training_data(EventContext const& context) const;
  void hold_out(std::int64_t count, EventContext& context);
  /// Fits the scale and shift of the outputs of these classes.
  void correct(EventContext& context, std::set<std::int64_t> corrected);

  BicOptions options_;
  Exemplars exemplars_, held_out_;
  LearntOutputs learnt_;
  BiasCorrection correction_;
  // While an event is learnt:
  Teacher teacher_;
  BiasCorrection former_;  // the teacher's
  at::Tensor taken_;       // int64: samples of the event that are held out
  at::Tensor old_;         // bool [C]: outputs that are distilled; made when it is asked for
};

}  // namespace mneme
