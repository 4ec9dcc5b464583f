#include "mneme/unlearning/drawn_classes.hpp"

#include "mneme/core/errors.hpp"
#include "mneme/learners/cvae.hpp"

namespace mneme {

void DrawnClasses::check(Asked const& asked) const {
  if (asked.request.classes.empty())
    throw ConfigError(name() + " forgets classes, and '" + asked.request.name +
                      "' names none; samples and tasks mean nothing to a model that is asked for classes; "
                      "retrain and fine-tune-retained can meet such a request");
}

void DrawnClasses::begin_event(EventContext& context) {
  past_.take(context.learner);
  quadratic_ = {};
  if (auto const f = importance(context); f.defined()) quadratic_.add(f, context.parameters().value());
}

void DrawnClasses::end_event(EventContext&) {
  past_.clear();
  quadratic_ = {};
}

Conditional const& DrawnClasses::past(EventContext const& context) {
  return dynamic_cast<Conditional const&>(past_.net(context));
}

void DrawnClasses::grown(Growth const& growth) {
  past_.grown(growth);
  quadratic_.grown(growth);
}

void DrawnClasses::state(Archive& archive) {
  past_.state(archive);
  quadratic_.state(archive);
}

double loss_scale(Learner const& learner, std::int64_t n) {
  return dynamic_cast<Cvae const&>(learner).options().scale == "sum" ? static_cast<double>(n) : 1.0;
}

}  // namespace mneme
