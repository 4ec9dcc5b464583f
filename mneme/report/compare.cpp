#include "mneme/report/compare.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "mneme/core/errors.hpp"
#include "mneme/core/text.hpp"
#include "mneme/core/toml.hpp"
#include "mneme/report/html.hpp"

namespace mneme {
namespace {

std::optional<Seeds> seconds_of(ArmGroup const& arm) {
  std::vector<double> totals;
  for (ArmRun const* run : arm.seeds) {
    Json const wall = run->summary_entry.value("wall_seconds", Json());
    if (wall.is_object() && wall.contains("total") && wall["total"].is_number())
      totals.push_back(wall["total"].get<double>());
  }
  return over_seeds(totals);
}

/// "mnist test <hash>, …": what the run saw, in a form that two runs can be compared by.
std::string data_of(RunFolder const& run) {
  std::vector<std::string> sets;
  Json const data = run.summary.value("data", Json::object());
  for (Json const& set : data.is_object() ? data.value("sets", Json::array()) : Json::array())
    sets.push_back(set.dump());
  std::ranges::sort(sets);
  return join(sets);
}

/// The learner with its net, and what single arms change about it.
std::string learner_of(RunFolder const& run, std::vector<std::string>& warnings) {
  try {
    auto const config = parse_toml(run.config_text, "config.toml");
    Json found = {config.value("learner", Json())};
    auto const arms = config.value("arm", Json::object());
    for (auto const& arm : arms)
      if (arm.contains("learner")) found.push_back(arm["learner"]);
    return (found.size() == 1 ? found[0] : found).dump();
  } catch (Error const& fault) {
    warnings.push_back(run.name() + ": " + fault.what());
    return "";
  }
}

/// "steps differ: 236 (naive, ewc), 472 (packnet)". Nothing where all agree.
void warn_where_different(std::string const& what, std::vector<std::pair<std::string, std::string>> const& value_of,
                          std::vector<std::string>& warnings, bool show_values = true) {
  std::map<std::string, std::vector<std::string>> by_value;
  for (auto const& [name, value] : value_of) {
    auto& names = by_value[value];
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  }
  if (by_value.size() < 2) return;
  std::vector<std::string> parts;
  for (auto const& [value, names] : by_value)
    parts.push_back(show_values ? (value.empty() ? "none" : value) + " (" + join(names) + ")" : join(names));
  warnings.push_back(what + (show_values ? ": " : " between ") + join(parts, show_values ? ", " : " and "));
}

std::string plain(std::optional<Seeds> const& seeds, double factor, int decimals) {
  if (!seeds) return "-";
  bool const same_count = decimals == 0 && seeds->low == seeds->high;
  std::string text = html::fixed(seeds->spread.mean * factor, decimals);
  if (seeds->spread.n > 1 && !same_count) text += " ± " + html::fixed(seeds->spread.deviation * factor, decimals);
  return text;
}

Json seeds_json(std::optional<Seeds> const& seeds) {
  if (!seeds) return nullptr;
  return {{"mean", seeds->spread.mean},
          {"deviation", seeds->spread.n > 1 ? Json(seeds->spread.deviation) : Json()},
          {"n", seeds->spread.n},
          {"low", seeds->low},
          {"high", seeds->high}};
}

/// Characters as a terminal shows them: bytes that continue a UTF-8 sequence take no column.
std::size_t columns_of(std::string const& text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string aligned(std::vector<std::vector<std::string>> const& lines) {
  std::vector<std::size_t> widths(lines.front().size(), 0);
  for (auto const& line : lines)
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], columns_of(line[i]));
  std::string out;
  for (auto const& line : lines) {
    std::string row;
    for (std::size_t i = 0; i < line.size(); ++i)
      row += line[i] + std::string(widths[i] - columns_of(line[i]) + 2, ' ');
    out += row.substr(0, row.find_last_not_of(' ') + 1) + '\n';
  }
  return out;
}

}  // namespace

Comparison compare_runs(std::span<RunFolder const> runs) {
  Comparison comparison;
  std::vector<std::pair<std::string, std::string>> data, learner, metric, steps, parameters;
  for (RunFolder const& run : runs) {
    std::string const name = run.name();
    data.emplace_back(name, data_of(run));
    if (!run.config_text.empty()) learner.emplace_back(name, learner_of(run, comparison.warnings));
    for (ArmRun const& arm : run.arms)
      if (arm.failed())
        comparison.failures.push_back(name + ": " + arm.arm + ", seed " + std::to_string(arm.seed) + " failed" +
                                      (arm.error.empty() ? "" : ": " + arm.error));
  }
  auto const boards = make_boards(runs);
  for (Board const& board : boards)
    for (auto const& task : board.tasks)
      if (std::ranges::find(comparison.tasks, task) == comparison.tasks.end()) comparison.tasks.push_back(task);
  for (Board const& board : boards)
    for (ArmGroup const& arm : board.arms) {
      ComparisonRow row{arm.run->name(),
                        arm.seeds.front()->arm,
                        arm.seeds.front()->strategy,
                        board.metric,
                        {},
                        arm.number("average"),
                        arm.number("forgetting"),
                        arm.number("bwt"),
                        arm.number("steps"),
                        seconds_of(arm)};
      for (auto const& task : comparison.tasks) row.final_values.push_back(arm.last(task));
      metric.emplace_back(arm.label, board.metric);
      steps.emplace_back(arm.label, plain(row.steps, 1, 0));
      parameters.emplace_back(arm.label, plain(arm.number("parameters"), 1, 0));
      comparison.rows.push_back(std::move(row));
    }
  warn_where_different("the data differ", data, comparison.warnings, false);
  warn_where_different("the learner's settings differ", learner, comparison.warnings);
  warn_where_different("the metrics differ", metric, comparison.warnings);
  warn_where_different("the numbers of parameters differ", parameters, comparison.warnings);
  warn_where_different("the numbers of steps differ", steps, comparison.warnings);
  return comparison;
}

std::string to_text(Comparison const& comparison) {
  std::vector<std::vector<std::string>> lines = {{"run", "arm", "n", "average", "forgetting", "bwt"}};
  lines.front().insert(lines.front().end(), comparison.tasks.begin(), comparison.tasks.end());
  lines.front().insert(lines.front().end(), {"steps", "seconds", "strategy"});
  for (auto const& row : comparison.rows) {
    MetricStyle const style = metric_style(row.metric);
    auto const value = [&](auto const& seeds) { return plain(seeds, style.factor, style.decimals); };
    int n = 0;
    for (auto const& cell : row.final_values) n = std::max(n, cell ? cell->spread.n : 0);
    lines.push_back({row.run, row.arm, std::to_string(n), value(row.average), value(row.forgetting), value(row.bwt)});
    for (auto const& cell : row.final_values) lines.back().push_back(value(cell));
    lines.back().insert(lines.back().end(), {plain(row.steps, 1, 0), plain(row.seconds, 1, 1), row.strategy});
  }
  std::string text = aligned(lines);
  for (auto const& warning : comparison.warnings) text += "warning: " + warning + '\n';
  for (auto const& failure : comparison.failures) text += "left out: " + failure + '\n';
  return text;
}

Json Comparison::to_json() const {
  Json json = {{"tasks", tasks}, {"rows", Json::array()}, {"warnings", warnings}, {"failures", failures}};
  for (auto const& row : rows) {
    Json values = Json::object();
    for (std::size_t t = 0; t < tasks.size(); ++t) values[tasks[t]] = seeds_json(row.final_values[t]);
    json["rows"].push_back({{"run", row.run},
                            {"arm", row.arm},
                            {"strategy", row.strategy},
                            {"metric", row.metric},
                            {"final", std::move(values)},
                            {"average", seeds_json(row.average)},
                            {"forgetting", seeds_json(row.forgetting)},
                            {"bwt", seeds_json(row.bwt)},
                            {"steps", seeds_json(row.steps)},
                            {"seconds", seeds_json(row.seconds)}});
  }
  return json;
}

}  // namespace mneme
