// Selective synaptic dampening: weights that matter much more to what is forgotten than to all data are made smaller.
// No training.
//
//   theta_i <- theta_i min( lambda I_D,i / I_f,i , 1 )   where I_f,i > alpha I_D,i
//
// I_D, I_f: diagonal Fisher on all training data that is known (D_f and D_r together) and on D_f. Foster et al. 2024,
// Fast machine unlearning without retraining through selective synaptic dampening, AAAI, arXiv:2308.07707, eq. 7-8.
//
// Differences from the paper: importances are means of squared per-sample gradients; the authors' code squares
// gradients of batches (`labels = "batch"`), so its result depends on the batch size. Both sets are reduced as
// means.
#pragma once

#include "mneme/strategies/checks_requests.hpp"
#include "mneme/unlearning/unlearning.hpp"

namespace mneme {

struct SsdOptions {
  double alpha = 4;
  double lambda = 1;
  FisherOptions importance = {.labels = "empirical"};
  void describe(OptionVisitor& v);
};

/// Dampens theta [P] in place; returns bool [P], the weights that were selected.
at::Tensor dampen(at::Tensor const& theta, at::Tensor const& on_forget, at::Tensor const& on_all, double alpha,
                  double lambda);

class Ssd final : public Unlearning, public ChecksRequests {
 public:
  explicit Ssd(SsdOptions options) : options_(std::move(options)) {}
  /// ConfigError where alpha can select nothing: D_f is a part of D, so that I_f,i / I_D,i is at most |D| / |D_f|.
  /// Refuses an alpha that no weight can reach.
  void check(Asked const& asked) const override;
  void end_event(EventContext& context) override;

 private:
  SsdOptions options_;
};

}  // namespace mneme
