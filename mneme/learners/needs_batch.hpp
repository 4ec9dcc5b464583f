// NeedsBatch: the ability of a learner that cannot train on single samples, since it normalises by the batch.
#pragma once

#include <cstdint>

namespace mneme {

class NeedsBatch {
 public:
  virtual ~NeedsBatch() = default;
  /// Samples that a training step needs at least.
  [[nodiscard]] virtual std::int64_t least_batch() const = 0;
};

}  // namespace mneme
