// Memory aware synapses: a quadratic penalty weighted by how sensitive the net's output is to each parameter.
//
//   task end   Omega_i <- Omega_i + (1/N) sum_n | d ||f(x_n; theta)||_2^2 / d theta_i |,   theta* <- theta
//   loss       L = L_t + lambda sum_i Omega_i (theta_i - theta*_i)^2   (no 1/2)
//
// Aljundi et al. 2018, Memory aware synapses: learning what (not) to forget, arXiv:1711.09601: the sensitivity of the
// output's squared norm (sec. 4.1) and the penalty (sec. 4.2). Labels are not read: importance/sensitivity.hpp.
//
// Differences from the paper: none known. f(x) are the outputs that take part in the softmax. Options take what peers
// compute: the norm not squared, a running average, gradients averaged over a batch before the absolute value.
#pragma once

#include "mneme/strategies/quadratic.hpp"

namespace mneme {

struct MasOptions {
  double lambda = 1.0;
  std::string norm = "squared";
  std::string accumulation = "sum";
  double alpha = 0.5;
  std::string gradients = "per-sample";
  FisherOptions importance = {};  // `samples` and `batch` count
  void describe(OptionVisitor& v);
};

class Mas final : public QuadraticPenalty {
 public:
  explicit Mas(MasOptions options) : QuadraticPenalty("mas", 2 * options.lambda), options_(std::move(options)) {}
  [[nodiscard]] Needs needs() const override {
    return {.boundaries = true, .learners = {"classifier", "vae", "rtf", "bi-r"}, .prefix = Prefix::kPlain};
  }
  void end_event(EventContext& context) override;

 private:
  MasOptions options_;
};

}  // namespace mneme
