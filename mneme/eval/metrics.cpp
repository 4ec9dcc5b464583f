#include "mneme/eval/metrics.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>

namespace mneme {
namespace {

using Index = std::size_t;

std::vector<Index> learn_rows(EvaluationMatrix const& matrix) {
  std::vector<Index> found;
  for (Index e = 0; e < matrix.rows.size(); ++e)
    if (matrix.rows[e].kind == "learn") found.push_back(e);
  return found;
}

// The last row of this kind that names the task.
std::optional<Index> last_row(EvaluationMatrix const& matrix, std::string_view kind, std::string_view task) {
  for (Index e = matrix.rows.size(); e-- > 0;)
    if (matrix.rows[e].kind == kind && matrix.rows[e].task == task) return e;
  return std::nullopt;
}

// nullopt, "never", is less than every row.
bool is_forgotten(EvaluationMatrix const& matrix, std::string_view task) {
  return last_row(matrix, "forget", task) > last_row(matrix, "learn", task);
}

class Mean {
 public:
  void add(Cell value) {
    if (!value) return;
    sum_ += *value;
    ++count_;
  }
  [[nodiscard]] std::optional<double> result() const {
    return count_ == 0 ? std::nullopt : std::optional(sum_ / count_);
  }

 private:
  double sum_ = 0;
  int count_ = 0;
};

// How much better `after` is than `before`; empty when one of them is.
Cell gain(EvaluationMatrix const& matrix, Cell after, Cell before) {
  if (!after || !before) return std::nullopt;
  return matrix.higher_is_better ? *after - *before : *before - *after;
}

// The better of two cells; an empty one loses.
Cell better(EvaluationMatrix const& matrix, Cell a, Cell b) {
  if (!a || !b) return a ? a : b;
  return matrix.higher_is_better ? std::max(*a, *b) : std::min(*a, *b);
}

// Mean of term(column, row after the task was learnt last) over the tasks that were learnt and are to be known, but the
// one of the last Learn row.
template <class Term>
std::optional<double> mean_over_earlier_tasks(EvaluationMatrix const& matrix, Term const& term) {
  auto const learn = learn_rows(matrix);
  Mean mean;
  for (Index t = 0; t < matrix.tasks.size(); ++t) {
    auto const learnt = last_row(matrix, "learn", matrix.tasks[t]);
    if (learnt && *learnt != learn.back() && !is_forgotten(matrix, matrix.tasks[t])) mean.add(term(t, *learnt));
  }
  return mean.result();
}

}  // namespace

std::optional<double> average(EvaluationMatrix const& matrix) {
  if (matrix.values.empty()) return std::nullopt;
  Mean mean;
  for (Index t = 0; t < matrix.tasks.size(); ++t)
    if (!is_forgotten(matrix, matrix.tasks[t])) mean.add(matrix.values.back()[t]);
  return mean.result();
}

std::optional<double> average_incremental(EvaluationMatrix const& matrix) {
  std::set<std::string> known;
  Mean over_events;
  for (Index e = 0; e < matrix.rows.size(); ++e) {
    auto const& row = matrix.rows[e];
    if (row.kind == "forget") known.erase(row.task);
    if (row.kind != "learn") continue;
    known.insert(row.task);
    Mean over_tasks;
    for (Index t = 0; t < matrix.tasks.size(); ++t)
      if (known.contains(matrix.tasks[t])) over_tasks.add(matrix.values[e][t]);
    over_events.add(over_tasks.result());
  }
  return over_events.result();
}

std::optional<double> intransigence(EvaluationMatrix const& matrix, EvaluationMatrix const& reference) {
  Mean mean;
  for (Index t = 0; t < matrix.tasks.size(); ++t) {
    auto const& task = matrix.tasks[t];
    auto const column = std::find(reference.tasks.begin(), reference.tasks.end(), task);
    auto const own = last_row(matrix, "learn", task);
    if (!own || column == reference.tasks.end() || reference.values.empty() || is_forgotten(matrix, task)) continue;
    auto const row = last_row(reference, "learn", task).value_or(reference.rows.size() - 1);
    mean.add(gain(matrix, reference.values[row][static_cast<Index>(column - reference.tasks.begin())],
                  matrix.values[*own][t]));
  }
  return mean.result();
}

std::optional<double> forgetting(EvaluationMatrix const& matrix) {
  auto const learn = learn_rows(matrix);
  return mean_over_earlier_tasks(matrix, [&](Index t, Index) {
    // What a task was worth before it was forgotten on request is no standard for what was learnt anew.
    auto const wiped = last_row(matrix, "forget", matrix.tasks[t]);
    Cell best;
    for (Index const e : learn)
      if (e > wiped && e != learn.back()) best = better(matrix, best, matrix.values[e][t]);
    return gain(matrix, best, matrix.values[learn.back()][t]);
  });
}

std::optional<double> backward_transfer(EvaluationMatrix const& matrix) {
  auto const learn = learn_rows(matrix);
  return mean_over_earlier_tasks(matrix, [&](Index t, Index learnt) {
    return gain(matrix, matrix.values[learn.back()][t], matrix.values[learnt][t]);
  });
}

std::optional<double> forward_transfer(EvaluationMatrix const& matrix) {
  if (matrix.rows.empty() || matrix.rows.front().kind != "initial") return std::nullopt;
  auto const learn = learn_rows(matrix);
  Mean mean;
  for (Index t = 0; t < matrix.tasks.size(); ++t) {
    auto const first =
        std::find_if(learn.begin(), learn.end(), [&](Index e) { return matrix.rows[e].task == matrix.tasks[t]; });
    if (first == learn.begin() || first == learn.end() || is_forgotten(matrix, matrix.tasks[t])) continue;
    mean.add(gain(matrix, matrix.values[*(first - 1)][t], matrix.values.front()[t]));
  }
  return mean.result();
}

std::vector<std::string> forgotten_tasks(EvaluationMatrix const& matrix) {
  std::vector<std::string> names;
  std::copy_if(matrix.tasks.begin(), matrix.tasks.end(), std::back_inserter(names),
               [&](std::string const& task) { return is_forgotten(matrix, task); });
  return names;
}

std::optional<double> forgotten_value(EvaluationMatrix const& matrix, std::string_view task) {
  auto const column = std::find(matrix.tasks.begin(), matrix.tasks.end(), task);
  if (column == matrix.tasks.end() || matrix.values.empty() || !is_forgotten(matrix, task)) return std::nullopt;
  return matrix.values.back()[static_cast<Index>(column - matrix.tasks.begin())];
}

Spread spread(std::span<double const> values) {
  Spread result{.mean = 0, .deviation = 0, .n = static_cast<int>(values.size())};
  if (values.empty()) return result;
  for (double const value : values) result.mean += value / result.n;
  double squares = 0;
  for (double const value : values) squares += (value - result.mean) * (value - result.mean);
  if (result.n > 1) result.deviation = std::sqrt(squares / (result.n - 1));
  return result;
}

}  // namespace mneme
