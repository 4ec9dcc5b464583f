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

int seeds_of(ComparisonRow const& row) {
  int n = 0;
  for (auto const& cell : row.final_values) n = std::max(n, cell ? cell->spread.n : 0);
  return n;
}

std::string heading(Ranking const& ranking) {
  MetricStyle const style = metric_style(ranking.metric);
  return ranking.title + ": by average " + style.title + (style.unit.empty() ? "" : " (" + style.unit + ")");
}

/// Head and one line for each place.
std::vector<std::vector<std::string>> ranking_lines(Comparison const& comparison, Ranking const& ranking) {
  MetricStyle const style = metric_style(ranking.metric);
  std::vector<std::vector<std::string>> lines = {{"", "arm", "n", "average", "over naive", "memory", "parameters",
                                                  "seconds", "incremental", "forgetting", "bwt", "fwt",
                                                  "intransigence"}};
  for (auto const& place : ranking.places) {
    ComparisonRow const& row = comparison.rows[place.row];
    auto const value = [&](auto const& seeds) { return plain(seeds, style.factor, style.decimals); };
    lines.push_back({std::to_string(lines.size()), place.label, std::to_string(seeds_of(row)), value(row.average),
                     place.over_naive ? show_gain(place.over_naive, style) : "-", row.kept, show_count(row.parameters),
                     plain(row.seconds, 1, 1), value(row.average_incremental), value(row.forgetting), value(row.bwt),
                     value(row.fwt), value(row.intransigence)});
  }
  return lines;
}

std::string heading(Forgetting const& forgetting) { return "Asked to forget " + forgetting.table.request; }

/// Head and one line for each arm.
std::vector<std::vector<std::string>> forgetting_lines(Comparison const& comparison, Forgetting const& forgetting) {
  std::vector<std::vector<std::string>> lines = {{"arm", "n"}};
  for (auto const& column : forgetting.table.columns) lines.front().push_back(column.title);
  for (auto const& line : forgetting.table.lines) {
    auto const& row = comparison.rows[forgetting.first_row + line.arm];
    lines.push_back({row.arm, std::to_string(seeds_of(row))});
    for (std::size_t c = 0; c < line.values.size(); ++c) lines.back().push_back(forgetting.table.text(line, c));
  }
  return lines;
}

/// Text inside a cell of a Markdown table.
std::string in_cell(std::string const& text) {
  std::string out;
  for (char const c : text) {
    if (c == '|' || c == '<' || c == '*' || c == '_' || c == '\\' || c == '`') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

/// What the stream did to the data, in words; orders are a matter of the seed, and requests stand in the columns.
std::string stream_of(ArmRun const& arm) {
  std::string text;
  Json const notes = of_stream(arm, "notes");
  if (!notes.is_object()) return text;
  for (auto const& [about, what] : notes.items())
    if (about != "class order" && about != "task order" && !about.starts_with("event ") && what.is_string())
      text += (text.empty() ? "" : "; ") + about + ": " + what.get<std::string>();
  return text.empty() ? "as it is" : text;
}

}  // namespace

Comparison compare_runs(std::span<RunFolder const> runs) {
  Comparison comparison;
  std::vector<std::pair<std::string, std::string>> data, learner, stream, metric, steps, parameters;
  for (std::size_t i = 0; i < runs.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (further_seeds(runs[i], runs[j]))
        comparison.notes.push_back("seeds of " + runs[j].name() + " and " + runs[i].name() +
                                   " are of one experiment and stand together");
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
  for (Board const& board : boards) {
    auto const first = comparison.rows.size();
    for (ArmGroup const& arm : board.arms) {
      ComparisonRow row{.run = arm.run->name(),
                        .arm = arm.seeds.front()->arm,
                        .strategy = arm.seeds.front()->strategy,
                        .metric = board.metric,
                        .scenario = arm.scenario(),
                        .final_values = {},
                        .average = arm.number("average"),
                        .average_incremental = arm.number("average_incremental"),
                        .forgetting = arm.number("forgetting"),
                        .bwt = arm.number("bwt"),
                        .fwt = arm.number("fwt"),
                        .intransigence = arm.intransigence(),
                        .steps = arm.number("steps"),
                        .parameters = arm.number("parameters"),
                        .seconds = arm.seconds(),
                        .memory_bytes = arm.number("memory_bytes"),
                        .kept = show_kept(arm)};
      for (auto const& task : comparison.tasks) row.final_values.push_back(arm.last(task));
      metric.emplace_back(arm.label, board.metric);
      stream.emplace_back(arm.label, stream_of(*arm.seeds.front()));
      steps.emplace_back(arm.label, plain(row.steps, 1, 0));
      parameters.emplace_back(arm.label, plain(row.parameters, 1, 0));
      comparison.rows.push_back(std::move(row));
    }
    for (auto& table : unlearning_tables(board)) comparison.forgetting.push_back({first, std::move(table)});
    for (Standing const& standing : standings(board)) {
      Ranking ranking{standing.scenario, standing.title, board.metric, {}};
      for (std::size_t i = 0; i < standing.arms.size(); ++i)
        ranking.places.push_back(
            {first + standing.arms[i], standing.labels[i], over_naive(board, standing, standing.arms[i])});
      comparison.rankings.push_back(std::move(ranking));
    }
    if (auto why = why_no_intransigence(board); !why.empty()) comparison.notes.push_back(std::move(why));
  }
  warn_where_different("the data differ", data, comparison.warnings, false);
  warn_where_different("the learner's settings differ", learner, comparison.warnings);
  warn_where_different("what the streams do to the data differs", stream, comparison.warnings);
  warn_where_different("the metrics differ", metric, comparison.warnings);
  warn_where_different("the numbers of parameters differ", parameters, comparison.warnings);
  warn_where_different("the numbers of steps differ", steps, comparison.warnings);
  return comparison;
}

std::string why_no_intransigence(Board const& board) {
  std::vector<std::string> without;
  for (ArmGroup const& arm : board.arms)
    if (!arm.reads_all_data() && !arm.intransigence()) without.push_back(arm.label);
  if (without.empty()) return "";
  bool const all =
      std::ranges::none_of(board.arms, [](ArmGroup const& arm) { return arm.intransigence().has_value(); });
  return "intransigence is empty" + (all ? std::string() : " for " + join(without)) +
         ": it needs a finished arm with the strategy joint (or cumulative) on the same stream, data and seed";
}

std::string to_text(Comparison const& comparison) {
  std::vector<std::vector<std::string>> lines = {{"run", "arm", "n"}};
  lines.front().insert(lines.front().end(), comparison.tasks.begin(), comparison.tasks.end());
  lines.front().insert(lines.front().end(), {"steps", "strategy"});
  for (auto const& row : comparison.rows) {
    MetricStyle const style = metric_style(row.metric);
    lines.push_back({row.run, row.arm, std::to_string(seeds_of(row))});
    for (auto const& cell : row.final_values) lines.back().push_back(plain(cell, style.factor, style.decimals));
    lines.back().insert(lines.back().end(), {plain(row.steps, 1, 0), row.strategy});
  }
  std::string text = "Final value of every task, mean ± sample deviation over n seeds\n" + aligned(lines);
  for (auto const& ranking : comparison.rankings)
    text += "\n" + heading(ranking) + "\n" + aligned(ranking_lines(comparison, ranking));
  for (auto const& forgetting : comparison.forgetting)
    text += "\n" + heading(forgetting) + "\n" + aligned(forgetting_lines(comparison, forgetting));
  if (!comparison.notes.empty() || !comparison.warnings.empty() || !comparison.failures.empty()) text += '\n';
  for (auto const& note : comparison.notes) text += "note: " + note + '\n';
  for (auto const& warning : comparison.warnings) text += "warning: " + warning + '\n';
  for (auto const& failure : comparison.failures) text += "left out: " + failure + '\n';
  return text;
}

std::string to_markdown(Comparison const& comparison) {
  std::string text;
  auto const add = [&](std::string const& title, std::vector<std::vector<std::string>> const& lines) {
    text += (text.empty() ? "### " : "\n### ") + title + "\n\n";
    for (std::size_t i = 0; i < lines.size(); ++i) {
      std::string row = "|";
      for (auto const& cell : lines[i]) row += " " + in_cell(cell) + " |";
      text += row + '\n';
      if (i > 0) continue;
      text += '|';
      for (std::size_t column = 0; column < lines[i].size(); ++column) text += "---|";
      text += '\n';
    }
  };
  for (auto const& ranking : comparison.rankings) add(heading(ranking), ranking_lines(comparison, ranking));
  for (auto const& forgetting : comparison.forgetting)
    add(heading(forgetting), forgetting_lines(comparison, forgetting));
  return text;
}

Json Comparison::to_json() const {
  Json json = {{"tasks", tasks}, {"rows", Json::array()}, {"rankings", Json::array()}, {"unlearning", Json::array()},
               {"notes", notes}, {"warnings", warnings},  {"failures", failures}};
  for (auto const& row : rows) {
    Json values = Json::object();
    for (std::size_t t = 0; t < tasks.size(); ++t) values[tasks[t]] = seeds_json(row.final_values[t]);
    json["rows"].push_back({{"run", row.run},
                            {"arm", row.arm},
                            {"strategy", row.strategy},
                            {"metric", row.metric},
                            {"scenario", row.scenario},
                            {"final", std::move(values)},
                            {"average", seeds_json(row.average)},
                            {"average_incremental", seeds_json(row.average_incremental)},
                            {"forgetting", seeds_json(row.forgetting)},
                            {"bwt", seeds_json(row.bwt)},
                            {"fwt", seeds_json(row.fwt)},
                            {"intransigence", seeds_json(row.intransigence)},
                            {"steps", seeds_json(row.steps)},
                            {"parameters", seeds_json(row.parameters)},
                            {"seconds", seeds_json(row.seconds)},
                            {"memory_bytes", seeds_json(row.memory_bytes)}});
  }
  for (auto const& ranking : rankings) {
    Json places = Json::array();
    for (auto const& place : ranking.places) {
      Json gain;
      if (place.over_naive)
        gain = {{"mean", place.over_naive->mean},
                {"standard_error", place.over_naive->error ? Json(*place.over_naive->error) : Json()}};
      places.push_back({{"rank", places.size() + 1},
                        {"row", place.row},
                        {"run", rows[place.row].run},
                        {"arm", rows[place.row].arm},
                        {"average", seeds_json(rows[place.row].average)},
                        {"over_naive", std::move(gain)}});
    }
    json["rankings"].push_back({{"scenario", ranking.scenario},
                                {"title", ranking.title},
                                {"metric", ranking.metric},
                                {"places", std::move(places)}});
  }
  for (auto const& [first, table] : forgetting) {
    Json arms = Json::array();
    for (auto const& line : table.lines) {
      Json entry = {{"run", rows[first + line.arm].run}, {"arm", rows[first + line.arm].arm}};
      for (std::size_t c = 0; c < line.values.size(); ++c)
        entry[Json::json_pointer(table.columns[c].key)] = seeds_json(line.values[c]);
      arms.push_back(std::move(entry));
    }
    json["unlearning"].push_back({{"request", table.request}, {"arms", std::move(arms)}});
  }
  return json;
}

}  // namespace mneme
