// Quadratic penalties around an anchor: what EWC, SI, MAS and RWalk have in common. They differ in the importance A.
//
//   L = L_t + scale (1/2) sum_i A_i (theta_i - m_i)^2
//
// The gradient scale A (theta - m) is added to the flat gradient; no graph is built, and the value is computed for
// logged steps only.
#pragma once

#include "mneme/importance/fisher.hpp"
#include "mneme/strategies/forgetting.hpp"

namespace mneme {

/// The quadratic (1/2) [sum_i A_i (theta_i - m_i)^2 + c] that several anchored terms merge into.
class MergedQuadratic {
 public:
  /// Adds (1/2) sum_i F_i (theta_i - anchor_i)^2. Sums in double.
  void add(at::Tensor const& importance, at::Tensor const& anchor);
  /// Replaces it: A <- gamma A + F around the new anchor.
  void decay_and_move(double gamma, at::Tensor const& importance, at::Tensor const& anchor);
  [[nodiscard]] bool empty() const { return !importance_.defined(); }
  /// Scalar value at theta [P].
  [[nodiscard]] at::Tensor value(at::Tensor const& theta) const;
  /// grad += scale A (theta - m).
  void add_gradient(at::Tensor const& theta, double scale, at::Tensor const& grad) const;
  [[nodiscard]] at::Tensor const& importance() const { return importance_; }
  [[nodiscard]] at::Tensor const& anchor() const { return anchor_; }
  void grown(Growth const& growth);
  void state(Archive& archive);

 private:
  at::Tensor importance_, anchor_;  // [P]
  double constant_ = 0;
};

/// A strategy whose penalty is `scale` times one quadratic. What derives from it makes the quadratic at the end of an
/// event.
class QuadraticPenalty : public Strategy, public LetsGo {
 public:
  /// `name` is that of the term, of its notes and of its importance in the log.
  QuadraticPenalty(std::string name, double scale) : name_(std::move(name)), scale_(scale) {}
  void add_gradient(StepContext& context) override;
  Terms terms(StepContext& context) override;
  /// The anchor moves to the weights that have forgotten: the old ones knew. The importance stays.
  void let_go(Forgotten const& forgotten, EventContext& context) override;
  void grown(Growth const& growth) override { quadratic_.grown(growth); }
  void state(Archive& archive) override { quadratic_.state(archive); }
  [[nodiscard]] MergedQuadratic const& quadratic() const { return quadratic_; }

 protected:
  [[nodiscard]] MergedQuadratic& mutable_quadratic() { return quadratic_; }
  /// Whether there is something to hold on to: never in the first event, so that its training is the naive one.
  [[nodiscard]] bool active(EventContext const& context) const;
  [[nodiscard]] std::string const& name() const { return name_; }

 private:
  std::string name_;
  double scale_;
  MergedQuadratic quadratic_;
};

}  // namespace mneme
