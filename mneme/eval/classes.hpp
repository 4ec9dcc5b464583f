// What a classifier answered on test samples, by class and by confidence, and what is computed from it. No torch here.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "mneme/core/json.hpp"
#include "mneme/eval/metrics.hpp"

namespace mneme {

/// Samples whose largest probability lies in one of equal bins of (0, 1].
struct ConfidenceBin {
  std::int64_t samples = 0;
  double confidence = 0;  // sum of the largest probabilities
  double correct = 0;     // samples whose most probable class is the true one
  bool operator==(ConfidenceBin const&) const = default;
};

struct ClassCounts {
  std::vector<std::vector<std::int64_t>> confusion;  // [C][C]: true class, answer
  std::vector<ConfidenceBin> bins;

  /// {"confusion": [[n]], "bins": [[samples, confidence, correct]]}
  [[nodiscard]] Json to_json() const;
  /// Throws DataError when a key is missing or the matrix is not square.
  static ClassCounts from_json(Json const& json);
  bool operator==(ClassCounts const&) const = default;
};

/// Share of each true class's samples that was answered right (recall); empty for classes without samples.
std::vector<Cell> per_class_accuracy(ClassCounts const& counts);

/// Guo et al. 2017 (On calibration of modern neural networks, arXiv:1706.04599), eq. 3:
///   ECE = sum_b (n_b / N) | acc_b - conf_b |,
/// acc_b and conf_b the means over bin b. nullopt without samples.
std::optional<double> expected_calibration_error(ClassCounts const& counts);

}  // namespace mneme
