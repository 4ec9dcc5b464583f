// Riemannian walk: a quadratic penalty weighted by the Fisher information and by what each parameter's path gained per
// distance in the space of output distributions, where SI measures the distance in weights.
//
//   every step      F_i <- alpha g_i^2 + (1 - alpha) F_i,   g the task's gradient without the penalty (EWC++)
//   every Delta t   s_i <- s_i + relu( DL_i / (F_i D_i^2 / 2 + epsilon) )
//                   DL_i = - sum over the window of g_i (theta_i(s+1) - theta_i(s)),  D_i the window's displacement
//   task end        s <- (s of the tasks before + s of this one) / 2,  after the first s as it is;  theta* <- theta
//   loss            L = L_t + lambda sum_i (F_i / max F + s_i / max s) (theta_i - theta*_i)^2   (no 1/2)
//
// with F and s of the last task's end in the loss. Chaudhry et al. 2018, Riemannian walk for incremental learning,
// arXiv:1801.10112, eq. 6 (F), 7 (s), 8 (loss); Delta t and epsilon as in facebookresearch/agem.
//
// Differences from the paper: F in a window's score is that of the window's end, not of its start; a window that the
// task's end cuts short counts as it is. The samples that the paper stores are left out: put a replay strategy into the
// list. The authors' later code updates F once per window, has no 1/2 before F D^2, and adds the averaged score to the
// old one instead of replacing it.
#pragma once

#include "mneme/importance/path_integral.hpp"
#include "mneme/strategies/quadratic.hpp"

namespace mneme {

struct RWalkOptions {
  double lambda = 0.1;
  double alpha = 0.9;
  std::int64_t window = 10;
  double epsilon = 1e-3;
  void describe(OptionVisitor& v);
};

/// relu(gain / (F moved^2 / 2 + epsilon)): what one window adds to the score.
[[nodiscard]] at::Tensor window_score(at::Tensor const& gain, at::Tensor const& fisher, at::Tensor const& moved,
                                      double epsilon);

class RWalk final : public QuadraticPenalty {
 public:
  explicit RWalk(RWalkOptions options) : QuadraticPenalty("rwalk", 2 * options.lambda), options_(options) {}
  [[nodiscard]] Needs needs() const override { return {.boundaries = true, .prefix = Prefix::kWatches}; }
  void begin_stage(StageContext& context) override;
  void end_event(EventContext& context) override;
  void observe_gradient(StepContext& context) override;
  void after_step(StepContext& context) override;
  void keep_best() override;
  void restore_best() override;
  void grown(Growth const& growth) override;
  void state(Archive& archive) override;
  [[nodiscard]] at::Tensor const& fisher() const { return fisher_; }
  [[nodiscard]] at::Tensor const& score() const { return score_; }

 private:
  void close_window(at::Tensor const& theta);

  RWalkOptions options_;
  PathIntegral path_;       // of the window
  at::Tensor fisher_;       // [P]
  at::Tensor score_;        // [P] of the tasks before, and on top of it what this one has gained
  at::Tensor start_;        // [P] weights at the window's start
  std::int64_t steps_ = 0;  // in the window
  std::int64_t tasks_ = 0;

  struct Best {
    at::Tensor fisher, score, start;
    std::int64_t steps = 0;
  };
  Best best_;  // of early stop's best epoch; else undefined
};

}  // namespace mneme
