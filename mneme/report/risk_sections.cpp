// Forgetting as growth of risk, from the entries `risk` of summaries (docs/run-folder.md).
#include <algorithm>
#include <map>

#include "mneme/report/html.hpp"
#include "mneme/report/sections.hpp"

namespace mneme {
namespace {

using Place = Json::json_pointer;

Json const& rows_of(ArmRun const& run, char const* list) {
  static Json const none = Json::array();
  auto const risk = run.summary_entry.find("risk");
  return risk == run.summary_entry.end() ? none : risk->at(list);
}

std::optional<double> number(Json const& row, Place const& place) {
  auto const found = row.value(place, Json());
  return found.is_number() ? std::optional(found.get<double>()) : std::nullopt;
}

/// Over the seeds, where `value` says something of a row.
template <class Value>
Figure figure_of(Board const& board, std::string title, Value const& value) {
  Figure figure;
  figure.title = std::move(title);
  figure.x_label = "optimizer steps";
  figure.y_label = "%";
  figure.scale = 100;
  for (std::size_t i = 0; i < board.arms.size(); ++i) {
    std::map<double, std::vector<double>> by_step;
    for (ArmRun const* run : board.arms[i].seeds)
      for (auto const& row : rows_of(*run, "rows"))
        if (auto const y = value(row)) by_step[row.at("step").template get<double>()].push_back(*y);
    Series series{board.arms[i].label, i, {}};
    for (auto const& [step, values] : by_step) series.points.push_back({step, *over_seeds(values)});
    if (!series.points.empty()) figure.series.push_back(std::move(series));
  }
  return figure;
}

Figure difference_of(Board const& board, std::string title, Place const& from, Place const& what) {
  return figure_of(board, std::move(title), [&](Json const& row) -> std::optional<double> {
    auto const a = number(row, from), b = number(row, what);
    return a && b ? std::optional(*a - *b) : std::nullopt;
  });
}

/// A line for every arm and event: its last row, and the terms of the bound.
html::Table terms(Board const& board) {
  html::Table table;
  table.head = {"arm", "after", "target risk", "source risk", "gap", "discrepancy / 2", "joint error", "bound"};
  MetricStyle const percent{.title = "", .unit = "", .points = "", .factor = 100, .decimals = 1};
  for (std::size_t i = 0; i < board.arms.size(); ++i) {
    auto const& seeds = board.arms[i].seeds;
    for (auto const& event : rows_of(*seeds.front(), "events")) {
      std::map<std::string, std::vector<double>> values;
      for (ArmRun const* run : seeds) {
        Json last;
        for (auto const& row : rows_of(*run, "rows"))
          if (row.at("event") == event.at("event")) last = row;
        if (last.is_null()) continue;
        for (auto const& own : rows_of(*run, "events"))
          if (own.at("event") == event.at("event")) {
            values["discrepancy"].push_back(own.at("discrepancy").get<double>() / 2);
            values["joint_error"].push_back(own.at("joint_error").get<double>());
          }
        for (auto const* key : {"target_risk", "source_risk", "bound"})
          values[key].push_back(last.at(key).get<double>());
        values["gap"].push_back(last.at("target_risk").get<double>() - last.at("source_risk").get<double>());
      }
      table.rows.push_back(
          {"<span class=\"arm a" + std::to_string(i % 8) + "\"></span>" + html::escape(board.arms[i].label),
           html::escape(event.at("task").get<std::string>())});
      for (auto const* key : {"target_risk", "source_risk", "gap", "discrepancy", "joint_error", "bound"})
        table.rows.back().push_back(html::escape(show_difference(over_seeds(values[key]), percent)));
    }
  }
  return table;
}

}  // namespace

void add_risk(Page& page, Board const& board) {
  std::vector<Figure> figures = {
      figure_of(board, "Target risk", [](Json const& row) { return number(row, Place("/target_risk")); }),
      figure_of(board, "Source risk", [](Json const& row) { return number(row, Place("/source_risk")); }),
      difference_of(board, "Gap: target - source", Place("/target_risk"), Place("/source_risk")),
      figure_of(board, "Bound", [](Json const& row) { return number(row, Place("/bound")); })};
  if (std::ranges::all_of(figures, &Figure::empty)) return;
  for (auto const& task : board.tasks)
    figures.push_back(difference_of(board, "Gap: " + task, Place("/target") / task, Place("/source") / task));
  auto const is_dot = [](Series const& series) { return series.points.size() < 2; };
  std::erase_if(figures, [&](Figure const& figure) { return std::ranges::all_of(figure.series, is_dot); });
  page.section(
      "risk-" + board.metric, "Risk",
      "In %. Target risk: share of wrong answers on true test images of all tasks so far, each task alike. Source "
      "risk: "
      "the same on a sample of what is trained on, new and replayed. Bound: source risk + half the discrepancy + joint "
      "error (Ben-David et al. 2010, theorem 2), the two terms measured with a small convolutional net on finite "
      "samples: the shape of the bound, no guarantee.");
  page.add(figures);
  page.body += terms(board).text("numbers");
  page.end_section();
}

}  // namespace mneme
