// LUCIR (learning a unified classifier incrementally via rebalancing): a cosine output layer gives the scores of old
// and new classes one scale, features keep the direction that they had, and stored samples of old classes keep a margin
// to the new classes.
//
//   s_c = eta cos(w_c, h)                                 the net's own (nets/head.hpp), softmax over s
//   L = CE + lambda_t mean over the batch of (1 - cos(h, h_old)) + w R
//   R = (1/(n K)) sum over the n samples of old classes, and the K highest new classes k of each, of
//       max(0, m - cos(w_y, h) + cos(w_k, h))
//   lambda_t = lambda sqrt(old classes / new classes)
//   at the start of an event  w_c = norm(mean of norm(h) over class c) x mean norm of the old w,   c new
//
// h is the last hidden layer, h_old that of the net before the event. Weights w of old classes stay as they are while
// the second term is on. Training goes through the event's data and the stored samples (a fixed number of each class,
// by herding) as one set. Hou et al. 2019, Learning a unified classifier incrementally via rebalancing, CVPR, eqs. 3 to
// 8; means and defaults as in the authors' code.
//
// Differences from the paper: no fine-tuning on balanced classes at the end of an event; an epoch shows every sample
// once, stored ones no more often than new ones (the authors' code can raise their share by `rs_ratio`, which is 0 for
// CIFAR-100); h comes after a ReLU, which the paper leaves out; no augmentation. New classes that the event has no
// samples of are not imprinted.
#pragma once

#include <set>

#include "mneme/memory/exemplars.hpp"
#include "mneme/strategies/distillation.hpp"
#include "mneme/strategies/forgetting.hpp"
#include "mneme/strategies/teacher.hpp"

namespace mneme {

struct LucirOptions {
  std::int64_t exemplars = 20;
  double lambda = 5.0;
  double margin = 0.5;
  double margin_weight = 1.0;
  std::int64_t hardest = 2;
  bool imprint = true;
  void describe(OptionVisitor& v);
};

/// Mean over the samples of old classes and their K highest new classes of max(0, margin - cos_y + cos_k); 0 where no
/// sample is of an old class. cosines [N, C], labels int64 [N], old and fresh bool [C], at least K of them fresh.
[[nodiscard]] at::Tensor margin_ranking(at::Tensor const& cosines, at::Tensor const& labels, at::Tensor const& old,
                                        at::Tensor const& fresh, std::int64_t hardest, double margin);

class Lucir final : public Strategy, public LetsGo {
 public:
  explicit Lucir(LucirOptions options) : options_(options) {}
  [[nodiscard]] Needs needs() const override {
    return {.boundaries = true, .stages = true, .learners = {"classifier"}, .prefix = Prefix::kPlain};
  }
  void begin_event(EventContext& context) override;
  std::vector<Stage> stages(EventContext& context) override;
  std::optional<at::Tensor> penalty(StepContext& context) override;
  void after_step(StepContext& context) override;
  void end_event(EventContext& context) override;
  void let_go(Forgotten const& forgotten, EventContext&) override;
  void grown(Growth const& growth) override { teacher_.grown(growth); }
  void state(Archive& archive) override;
  [[nodiscard]] Exemplars const& exemplars() const { return exemplars_; }

 private:
  void imprint(EventContext const& context);
  void sort_classes(EventContext const& context, std::int64_t outputs);

  LucirOptions options_;
  Exemplars exemplars_;
  Teacher teacher_;  // while classes are learnt beside old ones
  LearntOutputs learnt_;
  at::Tensor old_, fresh_;     // bool [C], of the event; made when they are asked for
  std::int64_t hardest_ = 0;   // K, at most the number of new classes
  double feature_weight_ = 0;  // lambda_t
};

}  // namespace mneme
