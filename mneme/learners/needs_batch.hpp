// NeedsBatch: the ability of a learner that cannot train on single samples, since it normalises by the batch.
#pragma once

#include <cstdint>

#include "mneme/learners/learner.hpp"

namespace mneme {

class NeedsBatch {
 public:
  virtual ~NeedsBatch() = default;
  /// Samples that a training step needs at least.
  [[nodiscard]] virtual std::int64_t least_batch() const = 0;
};

/// 1 where nothing is said.
[[nodiscard]] inline std::int64_t least_batch(Learner const& learner) {
  auto const* needs = dynamic_cast<NeedsBatch const*>(&learner);
  return needs ? needs->least_batch() : 1;
}

}  // namespace mneme
