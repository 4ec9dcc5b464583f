// eval: the evaluation matrix of a run and what is computed from it. No torch in this file: metrics are pure functions
// of numbers that a person can check by hand.
//
// Below, R[e][t] is the value of task t in matrix row e; row 0 is measured before training. A cell may be empty (the
// task's classes do not exist yet): such a cell is left out of every mean, and a mean of nothing is nullopt, never 0.
// "Learn rows" are the rows measured after a Learn event; checkpoints in between do not count.
//
// A task is *forgotten* when a Forget event asked for it and no later Learn event brought it back. Forgotten tasks are
// left out of all metrics: that they got worse is what was asked for. `forgotten_value` reports them.
//
// For a metric where lower is better every difference changes its sign: forgetting > 0 is always a loss, transfer > 0
// always a gain.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mneme/core/json.hpp"

namespace mneme {

/// When a row of the matrix was measured.
struct EvaluationRow {
  std::int64_t event = -1;       // number of the event, -1 before training
  std::string kind = "initial";  // initial, learn, forget, checkpoint
  std::string task;              // of the event; empty before training
  std::int64_t step = 0;         // optimizer steps so far

  bool operator==(EvaluationRow const&) const = default;
};

using Cell = std::optional<double>;

struct EvaluationMatrix {
  std::vector<std::string> tasks;  // T names of columns
  bool higher_is_better = true;
  std::vector<EvaluationRow> rows;        // E + 1
  std::vector<std::vector<Cell>> values;  // [E + 1][T]

  /// {"tasks", "higher_is_better", "matrix", "rows"}: the keys of a run's summary. Values must be finite.
  [[nodiscard]] Json to_json() const;
  /// Takes these keys from `json` and ignores others. Throws DataError when one is missing or the shape is not
  /// [rows][tasks].
  static EvaluationMatrix from_json(Json const& json);

  /// Header "event,kind,task,step,<task 1>,..."; numbers in the shortest form that reads back exactly; an empty cell is
  /// empty. Names are quoted where they need it.
  [[nodiscard]] std::string to_csv() const;
  /// Reads `to_csv`, which does not say the direction. Throws DataError with the number of the record (header: 1).
  static EvaluationMatrix from_csv(std::string_view text, bool higher_is_better);

  bool operator==(EvaluationMatrix const&) const = default;
};

/// Mean of the last row, whatever its kind.
std::optional<double> average(EvaluationMatrix const& matrix);

/// Rebuffi et al. 2017 (iCaRL, arXiv:1611.07725), section 4: the accuracy on what was learnt so far, averaged over the
/// events:
///   A = 1/K sum_k ( mean over the tasks j learnt by row k of R[k][j] ), k over the K Learn rows.
/// There it is the accuracy over all classes seen so far, which is the same where all tasks have as many test samples.
std::optional<double> average_incremental(EvaluationMatrix const& matrix);

/// Chaudhry et al. 2018 (Riemannian Walk, arXiv:1801.10112), the inability to learn the new:
///   I = 1/T sum_k ( R*[k][k] - R[k][k] ),
/// where R* is a reference that was trained on the data of all tasks up to k: the Learn row of task k in the matrix of
/// a cumulative run, or the last row of a joint one. Below 0: better than the reference. nullopt where no task is in
/// both.
std::optional<double> intransigence(EvaluationMatrix const& matrix, EvaluationMatrix const& reference);

/// Chaudhry et al. 2018 (Riemannian Walk, arXiv:1801.10112), eq. 3 with k the last Learn row:
///   F = 1/(k-1) sum_{j<k} ( max_{l<k} R[l][j] - R[k][j] ),
/// l over Learn rows, j over the tasks learnt so far but the one of row k.
std::optional<double> forgetting(EvaluationMatrix const& matrix);

/// Lopez-Paz & Ranzato 2017 (GEM, arXiv:1706.08840), eq. 3 with T the last Learn row:
///   BWT = 1/(T-1) sum_{i<T} ( R[T][i] - R[i][i] ),
/// where row i is the one after task i was learnt (the last time, when it was learnt more than once).
std::optional<double> backward_transfer(EvaluationMatrix const& matrix);

/// Lopez-Paz & Ranzato 2017, eq. 4:
///   FWT = 1/(T-1) sum_{i>=2} ( R[i-1][i] - b[i] ),
/// where row i-1 is the Learn row before task i was learnt first, and b is row 0, the untrained model.
std::optional<double> forward_transfer(EvaluationMatrix const& matrix);

/// Names of forgotten tasks, in the order of columns.
std::vector<std::string> forgotten_tasks(EvaluationMatrix const& matrix);

/// Value of `task` in the last row when the task is forgotten, else nullopt.
std::optional<double> forgotten_value(EvaluationMatrix const& matrix, std::string_view task);

/// Sample mean and sample standard deviation (divisor n - 1), as in "0.91 ± 0.02 (n = 5)". The deviation of fewer than
/// two values is 0, the mean of none is 0: look at n.
struct Spread {
  double mean = 0;
  double deviation = 0;
  int n = 0;
};
Spread spread(std::span<double const> values);

}  // namespace mneme
