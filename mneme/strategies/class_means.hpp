// What methods that classify by statistics of features have in common: a pass over data in evaluation mode, the mean
// of each class, and scores for classes that were never seen.
#pragma once

#include <functional>

#include "mneme/strategies/strategy.hpp"

namespace mneme {

/// Shows every sample of the data set to the learner in evaluation mode, without gradients, in order and in batches.
void look_through(EventContext const& context, Dataset const& data,
                  std::function<void(Batch const&, Output const&)> const& see);

/// Means of features by class, as sums and counts in float64. Sums are products with an indicator matrix, so that a
/// GPU gives the same bits each time.
class ClassMeans {
 public:
  /// features [N, F]; labels int64 [N] below `classes`, the number of outputs.
  void add(at::Tensor const& features, at::Tensor const& labels, std::int64_t classes);
  void add(ClassMeans const& other);
  /// Room for so many classes of features like these, before the first `add` or as the output layer grows.
  void reserve(std::int64_t classes, at::Tensor const& features);
  [[nodiscard]] bool empty() const { return !sum_.defined(); }
  [[nodiscard]] at::Tensor const& sum() const { return sum_; }      // float64 [C, F]
  [[nodiscard]] at::Tensor const& count() const { return count_; }  // float64 [C]
  [[nodiscard]] at::Tensor seen() const { return count_.gt(0); }    // bool [C]
  /// float64 [C, F]; zero where there was no sample.
  [[nodiscard]] at::Tensor mean() const;
  void state(Archive& archive);

 private:
  at::Tensor sum_, count_;
};

/// Scores [N, C] in which classes outside `seen` (bool [C], not all false) stand below all others, but finite: a loss
/// over them stays a number.
[[nodiscard]] at::Tensor below_seen(at::Tensor const& scores, at::Tensor const& seen);

}  // namespace mneme
