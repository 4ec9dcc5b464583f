#include "mneme/report/board.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <sstream>

#include "mneme/report/html.hpp"

namespace mneme {
namespace {

constexpr char const* kNoBreak = "\u00a0";

/// `value` of every seed that got as far as the furthest one and has it.
template <class Value>
std::optional<Seeds> gather(ArmGroup const& group, Value value) {
  std::vector<double> values;
  for (ArmRun const* run : group.furthest())
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

/// Names of the strategies of an arm, whichever of the three forms its options have.
std::vector<std::string> kinds_of(ArmRun const& run) {
  Json const options = run.summary_entry.value("strategy_options", Json());
  std::vector<std::string> kinds;
  for (Json const& one : as_list(options)) {
    Json const kind = one.is_object() ? one.value("kind", Json()) : one;
    if (kind.is_string()) kinds.push_back(kind.get<std::string>());
  }
  return kinds;
}

/// How good a reference for intransigence the arm is: 2 trained on all tasks at once, 1 on all data so far at each
/// event, 0 something else.
int reference_rank(ArmRun const& run) {
  auto const kinds = kinds_of(run);
  bool const plain = std::ranges::all_of(
      kinds, [](auto const& kind) { return kind == "joint" || kind == "cumulative" || kind == "from-scratch"; });
  if (!plain) return 0;
  if (std::ranges::find(kinds, "joint") != kinds.end()) return 2;
  return std::ranges::find(kinds, "cumulative") != kinds.end() ? 1 : 0;
}

bool same_stream(ArmRun const& a, ArmRun const& b) {
  auto const names = [](ArmRun const& run) {
    return std::set<std::string>(run.matrix.tasks.begin(), run.matrix.tasks.end());
  };
  return names(a) == names(b) && of_stream(a, "scenario") == of_stream(b, "scenario") &&
         of_stream(a, "notes") == of_stream(b, "notes");
}

/// The finished joint training of the same stream, data and seed: of the same run before others, joint before
/// cumulative.
ArmRun const* find_reference(Board const& board, ArmGroup const& group, ArmRun const& run) {
  ArmRun const* best = nullptr;
  int best_rank = 0;
  Json const data = group.run->summary.value("data", Json());
  for (ArmGroup const& other : board.arms)
    for (ArmRun const* candidate : other.seeds) {
      int const kind = reference_rank(*candidate);
      if (kind == 0 || candidate == &run || candidate->seed != run.seed || candidate->status != "finished" ||
          !same_stream(*candidate, run) || other.run->summary.value("data", Json()) != data)
        continue;
      int const rank = 2 * kind + (other.run == group.run ? 1 : 0);
      if (rank > best_rank) best = candidate;
      best_rank = std::max(best_rank, rank);
    }
  return best;
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
  if (metric == "domain_accuracy") return {"domain accuracy", "%", "points", 100, 1};
  if (metric == "squared_error") return {"squared error", "per image", "per image", 1, 2};
  if (metric == "psnr") return {"PSNR", "dB", "dB", 1, 2};
  if (metric == "ssim") return {"SSIM", "", "", 1, 3};
  if (metric == "bce" || metric == "kl")
    return {metric == "kl" ? "KL" : "BCE", "nats per image", "nats per image", 1, 1};
  return {metric, "", "", 1, 3};
}

std::optional<Seeds> over_seeds(std::span<double const> values) {
  if (values.empty()) return std::nullopt;
  auto const [low, high] = std::ranges::minmax(values);
  return Seeds{spread(values), low, high};
}

std::vector<ArmRun const*> ArmGroup::furthest() const {
  auto const most = rows().size();
  std::vector<ArmRun const*> list;
  for (ArmRun const* run : seeds)
    if (run->matrix.rows.size() == most) list.push_back(run);
  return list;
}

std::string ArmGroup::seeds_text() const {
  auto const counted = furthest().size();
  return std::to_string(counted) + (counted < seeds.size() ? " of " + std::to_string(seeds.size()) : "");
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

std::optional<Seeds> ArmGroup::intransigence() const {
  std::vector<double> values;
  for (std::size_t i = 0; i < seeds.size() && i < references.size(); ++i)
    if (references[i] != nullptr && seeds[i]->matrix.rows.size() == rows().size())
      if (auto const value = mneme::intransigence(seeds[i]->matrix, references[i]->matrix)) values.push_back(*value);
  return over_seeds(values);
}

std::optional<Seeds> ArmGroup::seconds() const {
  return gather(*this, [](ArmRun const& run) -> std::optional<double> {
    Json const wall = run.summary_entry.value("wall_seconds", Json());
    Json const total = wall.is_object() ? wall.value("total", Json()) : Json();
    return total.is_number() ? std::optional(total.get<double>()) : std::nullopt;
  });
}

std::string ArmGroup::scenario() const {
  Json const name = of_stream(*seeds.front(), "scenario");
  return name.is_string() ? name.get<std::string>() : "";
}

bool ArmGroup::reads_all_data() const { return reference_rank(*seeds.front()) > 0; }

bool ArmGroup::is_naive() const {
  auto const kinds = kinds_of(*seeds.front());
  return kinds.size() == 1 && kinds.front() == "naive";
}

std::vector<std::size_t> ArmGroup::rows_of(std::string const& kind) const {
  std::vector<std::size_t> found;
  for (std::size_t row = 0; row < rows().size(); ++row)
    if (rows()[row].kind == kind) found.push_back(row);
  return found;
}

bool further_seeds(RunFolder const& a, RunFolder const& b) {
  if (a.config_text.empty() || b.config_text.empty()) return false;
  auto const without_seeds = [](RunFolder const& run) {
    std::string text;
    std::istringstream lines(run.config_text);
    for (std::string line; std::getline(lines, line);)
      if (!line.starts_with("seeds = ")) text += line + '\n';
    return text;
  };
  for (ArmRun const& arm : a.arms)
    for (ArmRun const& other : b.arms)
      if (arm.arm == other.arm && arm.seed == other.seed) return false;
  return without_seeds(a) == without_seeds(b) && a.summary.value("data", Json()) == b.summary.value("data", Json());
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
      auto group = std::ranges::find_if(board->arms, [&](ArmGroup const& g) {
        return g.seeds.front()->arm == arm.arm && (g.run == &run || further_seeds(*g.run, run));
      });
      if (group == board->arms.end()) group = board->arms.insert(board->arms.end(), {arm.arm, &run, {}});
      group->seeds.push_back(&arm);
    }
  for (Board& board : boards) {
    name_arms(board.arms);
    for (ArmGroup& group : board.arms)
      for (ArmRun const* run : group.seeds) group.references.push_back(find_reference(board, group, *run));
  }
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

Json of_stream(ArmRun const& run, char const* key) {
  Json const stream = run.summary_entry.value("stream", Json());
  return stream.is_object() ? stream.value(key, Json()) : Json();
}

std::string show_count(std::optional<Seeds> const& seeds) {
  if (!seeds) return "–";
  auto const whole = [](double value) { return html::grouped(std::llround(value)); };
  return seeds->low == seeds->high ? whole(seeds->low) : whole(seeds->low) + "–" + whole(seeds->high);
}

std::string show_memory(double bytes) {
  constexpr double kStep = 1000;
  if (bytes < kStep) return html::fixed(bytes, 0) + " B";
  double value = bytes;
  std::string unit;
  for (char const* next : {"kB", "MB", "GB", "TB"}) {
    value /= kStep;
    unit = next;
    if (value < kStep) break;
  }
  return html::fixed(value, value < 10 ? 2 : value < 100 ? 1 : 0) + " " + unit;
}

std::string row_name(EvaluationRow const& row) {
  if (row.kind == "initial") return "before training";
  if (row.kind == "learn") return "after " + row.task;
  if (row.kind == "forget") return "after forgetting " + row.task;
  return "step " + std::to_string(row.step);
}

}  // namespace mneme
