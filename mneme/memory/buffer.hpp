// memory: stored samples and the policies that choose them.
//
// Reservoir: a uniform sample, without replacement, of everything offered so far (Vitter 1985). Item number n (1-based)
// takes slot n - 1 while n <= M; later it enters with probability M / n into a uniform slot. Whole batches at a time:
// draw j_n uniform in {0..n-1}, keep j_n < M; where two items hit one slot the later wins, as one by one.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstdint>

#include "mneme/nets/archive.hpp"

namespace mneme {

class Reservoir {
 public:
  explicit Reservoir(std::int64_t capacity) : capacity_(capacity) {}

  /// data [n, ...] in its stored type (uint8 for images), labels and task int64 [n].
  void offer(at::Tensor const& data, at::Tensor const& labels, at::Tensor const& task, at::Generator& generator);

  struct Draw {
    at::Tensor data, labels, task;
  };
  /// n stored samples, uniform with replacement. Throws ConfigError when the buffer is empty.
  [[nodiscard]] Draw sample(std::int64_t n, at::Generator& generator) const;

  [[nodiscard]] std::int64_t size() const { return std::min(capacity_, seen_); }
  [[nodiscard]] std::int64_t seen() const { return seen_; }
  [[nodiscard]] at::Tensor data() const { return data_.defined() ? data_.narrow(0, 0, size()) : data_; }
  [[nodiscard]] at::Tensor labels() const { return labels_.defined() ? labels_.narrow(0, 0, size()) : labels_; }
  [[nodiscard]] at::Tensor task() const { return task_.defined() ? task_.narrow(0, 0, size()) : task_; }
  /// CheckpointError when the stored buffer has another capacity.
  void state(Archive& archive);

 private:
  std::int64_t capacity_;
  std::int64_t seen_ = 0;
  at::Tensor data_, labels_, task_;  // [M, ...], [M], [M]
};

}  // namespace mneme
