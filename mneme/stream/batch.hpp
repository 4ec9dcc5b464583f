// Batch: what one step trains on. Labels and task ids are read through accessors that refuse what the stream hides.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mneme/stream/stream.hpp"

namespace mneme {

/// A run of rows of one origin.
struct BatchPart {
  enum class Origin { kCurrent, kMemory, kGenerated };
  Origin origin = Origin::kCurrent;
  std::int64_t first = 0;
  std::int64_t count = 0;
};

class Batch {
 public:
  Batch() = default;
  /// x float [N, ...], labels int64 [N], task int64 [N] or undefined.
  Batch(at::Tensor x, at::Tensor labels, at::Tensor task = {}, Visibility visibility = {});
  /// All rows of one task; the tensor of ids is made only if somebody asks.
  Batch(at::Tensor x, at::Tensor labels, std::int64_t task_id, Visibility visibility);

  /// Samples index int64 [N] of a data set, of `task_id` where the set does not say the task of each.
  Batch(Dataset const& data, at::Tensor const& index, std::int64_t task_id, Visibility visibility);

  at::Tensor x;       // [N, ...]
  at::Tensor weight;  // [N], undefined: all ones
  std::vector<BatchPart> parts;
  at::Tensor active;                         // bool [C] or [N, C]: outputs in the softmax; undefined: all
  std::map<std::string, at::Tensor> extras;  // logits for DER, codes for LGAA

  [[nodiscard]] std::int64_t size() const { return x.size(0); }
  /// int64 [N]. Throws VisibilityError where the batch carries no labels.
  [[nodiscard]] at::Tensor const& y() const;
  /// int64 [N]. Throws VisibilityError where the stream hides the task.
  [[nodiscard]] at::Tensor const& task() const;
  /// The one task that all rows are known to be of; empty where they are of several. Throws as `task`.
  [[nodiscard]] std::optional<std::int64_t> one_task() const;
  [[nodiscard]] bool task_known() const;
  [[nodiscard]] Visibility const& visibility() const { return visibility_; }

  /// Rows [first, first + n), with all that is known of them.
  [[nodiscard]] Batch rows(std::int64_t first, std::int64_t n) const;
  /// This batch with the rows of `other` behind its own.
  [[nodiscard]] Batch joined(Batch const& other) const;

 private:
  [[nodiscard]] at::Tensor const& ids() const;

  at::Tensor labels_;
  mutable at::Tensor task_;
  std::optional<std::int64_t> task_id_;
  Visibility visibility_;
};

/// The rows' weights [N] in such proportions that they sum to `sum`.
[[nodiscard]] at::Tensor row_weights(Batch const& batch, double sum = 1);

}  // namespace mneme
