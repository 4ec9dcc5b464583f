#include "mneme/report/board.hpp"

#include <algorithm>
#include <map>

#include "mneme/report/html.hpp"

namespace mneme {
namespace {

constexpr char const* kNoBreak = "\u00a0";

/// `value` of every seed that got as far as the furthest one and has it.
template <class Value>
std::optional<Seeds> gather(ArmGroup const& group, Value value) {
  std::vector<double> values;
  for (ArmRun const* run : group.seeds)
    if (run->matrix.rows.size() == group.rows().size())
      if (std::optional<double> const found = value(*run)) values.push_back(*found);
  return over_seeds(values);
}

std::optional<std::size_t> column(EvaluationMatrix const& matrix, std::string const& task) {
  auto const found = std::ranges::find(matrix.tasks, task);
  if (found == matrix.tasks.end()) return std::nullopt;
  return static_cast<std::size_t>(found - matrix.tasks.begin());
}

/// The forgetting of one task: that of a matrix which has no other column.
std::optional<double> forgetting_of(EvaluationMatrix const& matrix, std::size_t task) {
  EvaluationMatrix one{{matrix.tasks[task]}, matrix.higher_is_better, matrix.rows, {}};
  for (auto const& row : matrix.values) one.values.push_back({row[task]});
  return forgetting(one);
}

std::string signed_text(double value, int decimals) {
  std::string text = html::fixed(value, decimals);
  if (text.front() == '-') text.replace(0, 1, "−");
  return text;
}

/// Labels are arm names; where several runs have an arm of the same name, the run stands in front.
void name_arms(std::vector<ArmGroup>& arms) {
  std::map<std::string, int> uses;
  for (auto const& arm : arms) ++uses[arm.label];
  std::map<std::string, int> longer;
  for (auto& arm : arms)
    if (uses[arm.label] > 1) {
      arm.label = arm.run->text("experiment", "run") + ": " + arm.label;
      ++longer[arm.label];
    }
  for (auto& arm : arms)
    if (longer[arm.label] > 1) arm.label = arm.run->name() + ": " + arm.seeds.front()->arm;
}

}  // namespace

MetricStyle metric_style(std::string const& metric) {
  if (metric == "accuracy") return {"accuracy", "%", "points", 100, 1};
  if (metric == "negative_elbo") return {"negative ELBO", "nats per image", "nats per image", 1, 1};
  return {metric, "", "", 1, 3};
}

std::optional<Seeds> over_seeds(std::span<double const> values) {
  if (values.empty()) return std::nullopt;
  auto const [low, high] = std::ranges::minmax(values);
  return Seeds{spread(values), low, high};
}

std::vector<EvaluationRow> const& ArmGroup::rows() const {
  return (*std::ranges::max_element(seeds, {}, [](ArmRun const* run) { return run->matrix.rows.size(); }))->matrix.rows;
}

std::optional<Seeds> ArmGroup::cell(std::size_t row, std::string const& task) const {
  std::vector<double> values;
  for (ArmRun const* run : seeds)
    if (auto const t = column(run->matrix, task); t && row < run->matrix.values.size())
      if (Cell const& value = run->matrix.values[row][*t]) values.push_back(*value);
  return over_seeds(values);
}

std::optional<Seeds> ArmGroup::last(std::string const& task) const {
  return rows().empty() ? std::nullopt : cell(rows().size() - 1, task);
}

std::optional<Seeds> ArmGroup::forgetting(std::string const& task) const {
  return gather(*this, [&](ArmRun const& run) -> std::optional<double> {
    auto const t = column(run.matrix, task);
    return t ? forgetting_of(run.matrix, *t) : std::nullopt;
  });
}

std::optional<Seeds> ArmGroup::number(std::string const& key) const {
  return gather(*this, [&](ArmRun const& run) -> std::optional<double> {
    auto const found = run.summary_entry.find(key);
    if (found == run.summary_entry.end() || !found->is_number()) return std::nullopt;
    return found->get<double>();
  });
}

std::vector<std::size_t> ArmGroup::rows_of(std::string const& kind) const {
  std::vector<std::size_t> found;
  for (std::size_t row = 0; row < rows().size(); ++row)
    if (rows()[row].kind == kind) found.push_back(row);
  return found;
}

std::vector<Board> make_boards(std::span<RunFolder const> runs) {
  std::vector<Board> boards;
  for (RunFolder const& run : runs)
    for (ArmRun const& arm : run.arms) {
      if (arm.failed() || (arm.matrix.rows.empty() && arm.metrics.empty())) continue;
      auto board = std::ranges::find(boards, arm.metric, &Board::metric);
      if (board == boards.end())
        board =
            boards.insert(boards.end(), {arm.metric, metric_style(arm.metric), arm.matrix.higher_is_better, {}, {}});
      for (auto const& task : arm.matrix.tasks)
        if (std::ranges::find(board->tasks, task) == board->tasks.end()) board->tasks.push_back(task);
      auto group = std::ranges::find_if(
          board->arms, [&](ArmGroup const& g) { return g.run == &run && g.seeds.front()->arm == arm.arm; });
      if (group == board->arms.end()) group = board->arms.insert(board->arms.end(), {arm.arm, &run, {}});
      group->seeds.push_back(&arm);
    }
  for (Board& board : boards) name_arms(board.arms);
  return boards;
}

std::string show(std::optional<Seeds> const& seeds, MetricStyle const& style) {
  std::string const text = show_difference(seeds, style);
  return seeds && style.unit == "%" ? text + kNoBreak + style.unit : text;
}

std::string show_difference(std::optional<Seeds> const& seeds, MetricStyle const& style) {
  if (!seeds) return "–";
  std::string const mean = signed_text(seeds->spread.mean * style.factor, style.decimals);
  if (seeds->spread.n < 2) return mean;
  return mean + " ±" + kNoBreak + html::fixed(seeds->spread.deviation * style.factor, style.decimals);
}

std::string show_mean(std::optional<Seeds> const& seeds, MetricStyle const& style) {
  return seeds ? signed_text(seeds->spread.mean * style.factor, style.decimals) : "–";
}

std::string row_name(EvaluationRow const& row) {
  if (row.kind == "initial") return "before training";
  if (row.kind == "learn") return "after " + row.task;
  if (row.kind == "forget") return "after forgetting " + row.task;
  return "step " + std::to_string(row.step);
}

}  // namespace mneme
