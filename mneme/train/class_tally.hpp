// ClassTally: counts of a classifier's answers, on the learner's device.
#pragma once

#include "mneme/eval/classes.hpp"
#include "mneme/learners/learner.hpp"

namespace mneme {

class ClassTally {
 public:
  /// logits [N, C]; the outputs that take part are the batch's. Where none does (a growing head before its first task)
  /// there is no answer, and nothing is counted.
  void add(Batch const& batch, at::Tensor const& logits);
  /// Empty where nothing was added.
  [[nodiscard]] ClassCounts counts() const;

 private:
  static constexpr std::int64_t kBins = 15;  // as in Guo et al. 2017
  at::Tensor confusion_;                     // int64 [C, C]
  at::Tensor bins_;                          // double [15, 3]: samples, confidence, correct
};

}  // namespace mneme
