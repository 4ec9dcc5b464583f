#include "mneme/report/unlearning.hpp"

#include <algorithm>

#include "mneme/report/html.hpp"
#include "mneme/report/sections.hpp"

namespace mneme {
namespace {

constexpr auto kRelearn = "/relearn_steps";

/// The entry of a run for one request; null where it has none.
Json entry_of(ArmRun const& run, std::string const& request) {
  for (auto const& entry : run.summary_entry.value("unlearning", Json::array()))
    if (entry.is_object() && entry.value("request", Json()) == request) return entry;
  return nullptr;
}

std::optional<Seeds> over(std::vector<Json> const& entries, std::string const& pointer) {
  std::vector<double> values;
  for (auto const& entry : entries)
    if (auto const found = entry.value(Json::json_pointer(pointer), Json()); found.is_number())
      values.push_back(found.get<double>());
  return over_seeds(values);
}

}  // namespace

std::span<UnlearningColumn const> unlearning_columns() {
  // The key is the place in an entry; the last is of the matrix.
  static std::vector<UnlearningColumn> const columns = {
      {"/forget_accuracy", "forgotten, training", 100, 1},
      {"/forget_test_accuracy", "forgotten, test", 100, 1},
      {"/retain_accuracy", "rest, training", 100, 1},
      {"/test_accuracy", "rest, test", 100, 1},
      {"/distance_to_retrained/forget", "distance, forgotten", 1, 3},
      {"/distance_to_retrained/test", "distance, rest", 1, 3},
      {"/membership/loss", "attack by loss", 1, 3},
      {"/membership/attacker", "trained attack", 1, 3},
      {kRelearn, "relearning steps", 1, 1},
      {"/time_to_retraining", "time to retraining", 1, 2},
      {"/last", "forgotten, at the end", 100, 1},
  };
  return columns;
}

std::string UnlearningTable::Line::text(std::size_t column) const {
  auto const& [key, title, factor, decimals] = unlearning_columns()[column];
  if (key == kRelearn && !relearnt) return "> 100";
  return show_difference(values[column],
                         {.title = "", .unit = "", .points = "", .factor = factor, .decimals = decimals});
}

std::vector<UnlearningTable> unlearning_tables(Board const& board) {
  std::vector<UnlearningTable> tables;
  for (std::size_t i = 0; i < board.arms.size(); ++i) {
    for (auto const& asked : board.arms[i].seeds.front()->summary_entry.value("unlearning", Json::array())) {
      auto const request = asked.is_object() ? asked.value("request", std::string()) : std::string();
      if (request.empty()) continue;
      auto table = std::ranges::find(tables, request, &UnlearningTable::request);
      if (table == tables.end()) table = tables.insert(tables.end(), {request, {}});
      std::vector<Json> entries;
      for (ArmRun const* run : board.arms[i].seeds)
        if (auto entry = entry_of(*run, request); !entry.is_null()) entries.push_back(std::move(entry));
      UnlearningTable::Line line{.arm = i, .values = {}};
      for (auto const& column : unlearning_columns())
        line.values.push_back(column.key == "/last" ? board.arms[i].last(request) : over(entries, column.key));
      line.relearnt = std::ranges::all_of(
          entries, [](Json const& entry) { return entry.value("relearn_steps", Json()).is_number(); });
      table->lines.push_back(std::move(line));
    }
  }
  return tables;
}

void add_unlearning(Page& page, Board const& board) {
  auto const tables = unlearning_tables(board);
  if (tables.empty()) return;
  page.section(
      "unlearning-" + board.metric, "Forgetting on request",
      "Accuracy in % right after the request on what was to be forgotten and on the rest, training and test samples; "
      "at "
      "the end: test samples of what was forgotten after the last event. Distance: total variation between the answers "
      "and those of the arm that was retrained. Attacks: area under the curve of telling training samples that were "
      "forgotten from unseen ones, 0.5 where nobody can. Relearning: steps until nine of ten are known again. Time: "
      "that of the forgetting, retraining is 1.");
  for (auto const& [request, lines] : tables) {
    html::Table table;
    table.caption = html::escape(request);
    table.head = {"arm"};
    for (auto const& column : unlearning_columns()) table.head.push_back(html::escape(column.title));
    for (auto const& line : lines) {
      table.rows.push_back({"<span class=\"arm a" + std::to_string(line.arm % 8) + "\"></span>" +
                            html::escape(board.arms[line.arm].label)});
      for (std::size_t c = 0; c < line.values.size(); ++c) table.rows.back().push_back(html::escape(line.text(c)));
    }
    page.body += table.text("numbers");
  }
  page.end_section();
}

}  // namespace mneme
