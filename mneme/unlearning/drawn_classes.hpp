// What methods share that make a conditional generative model forget classes: the model as it was, which still draws,
// and the quadratic term (lambda'/2) sum F (theta - theta*)^2 about it. Both last as long as the event.
#pragma once

#include "mneme/learners/conditional.hpp"
#include "mneme/strategies/checks_requests.hpp"
#include "mneme/strategies/quadratic.hpp"
#include "mneme/strategies/teacher.hpp"
#include "mneme/unlearning/unlearning.hpp"

namespace mneme {

class DrawnClasses : public Unlearning, public ChecksRequests {
 public:
  /// ConfigError for a request that names anything but classes.
  void check(Asked const& asked) const override;
  void begin_event(EventContext& context) override;
  void end_event(EventContext& context) override;
  void grown(Growth const& growth) override;
  void state(Archive& archive) override;

  [[nodiscard]] MergedQuadratic const& quadratic() const { return quadratic_; }

 protected:
  /// As messages call it.
  [[nodiscard]] virtual std::string name() const = 0;
  /// F [P]; undefined where the term has no weight.
  [[nodiscard]] virtual at::Tensor importance(EventContext& context) = 0;
  /// The model as it was before the request.
  [[nodiscard]] Conditional const& past(EventContext const& context);

 private:
  Teacher past_;
  MergedQuadratic quadratic_;
};

/// The loss of a cvae's step, in means over its `n` rows: 1, or n where `learner.scale` is a sum.
[[nodiscard]] double loss_scale(Learner const& learner, std::int64_t n);

}  // namespace mneme
