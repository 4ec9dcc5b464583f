#include "mneme/learners/phase_steps.hpp"

#include "mneme/core/errors.hpp"

namespace mneme {

void refuse_idle_phase(Learner const& learner, std::int64_t epochs, std::int64_t patience, std::string const& event) {
  auto const* tuned = dynamic_cast<TunesPhases const*>(&learner);
  if (tuned == nullptr) return;
  for (std::size_t phase = 0; phase < learner.phases().size(); ++phase) {
    std::int64_t trained = 0;
    for (std::int64_t epoch = 0; epoch < epochs; ++epoch) trained += tuned->runs(phase, epoch) ? 1 : 0;
    if (trained == epochs) continue;
    auto const& name = learner.phases()[phase].name;
    if (trained == 0)
      throw ConfigError("event '" + event + "' has " + std::to_string(epochs) +
                        " epoch(s), in none of which learner '" + learner.kind() + "' trains its phase '" + name +
                        "'. Give it more epochs, or phases that train in every one (learner.phase_schedule)");
    if (patience > 0)
      throw ConfigError("train.patience: early stop compares epochs, and learner '" + learner.kind() +
                        "' does not train its phase '" + name +
                        "' in each of them. Set it to 0, or let all phases train in every epoch "
                        "(learner.phase_schedule)");
  }
}

}  // namespace mneme
