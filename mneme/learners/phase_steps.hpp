// TunesPhases: the ability of a learner whose phases do not all step alike.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "mneme/learners/learner.hpp"

namespace mneme {

/// What a phase does otherwise than `train` says.
struct PhaseStep {
  double rate = 1;  // factor of the learning rate
  std::optional<std::string> optimizer = {};
  std::optional<double> beta1 = {}, beta2 = {};
  std::int64_t times = 1;  // in every step, on the same batch
};

class TunesPhases {
 public:
  virtual ~TunesPhases() = default;
  /// One for each of Learner::phases(), in their order.
  [[nodiscard]] virtual std::span<PhaseStep const> phase_steps() const = 0;
  /// Whether the phase trains in this epoch of a stage, from 0; at least one does in each.
  [[nodiscard]] virtual bool runs(std::size_t /*phase*/, std::int64_t /*epoch*/) const { return true; }
};

/// ConfigError for an event of so many epochs in none of which a phase trains, and for early stop where phases take
/// turns.
void refuse_idle_phase(Learner const& learner, std::int64_t epochs, std::int64_t patience, std::string const& event);

/// What the learner says of a phase's steps, or the usual.
[[nodiscard]] inline PhaseStep phase_step_of(Learner const& learner, std::size_t phase) {
  auto const* tuned = dynamic_cast<TunesPhases const*>(&learner);
  return tuned ? tuned->phase_steps()[phase] : PhaseStep();
}

}  // namespace mneme
