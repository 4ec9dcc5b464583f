#include "mneme/report/unlearning.hpp"

#include <algorithm>

#include "mneme/report/generation.hpp"
#include "mneme/report/html.hpp"
#include "mneme/report/sections.hpp"

namespace mneme {
namespace {

constexpr auto kRelearn = "/relearn_steps";
constexpr int kRelearnTried = 100;

/// The entries of a run that its own method made: those that a branch inherited are of another.
std::vector<Json> own_entries(ArmRun const& run) {
  std::vector<Json> own;
  for (auto const& entry : run.summary_entry.value("unlearning", Json::array()))
    if (entry.is_object() && !entry.value("inherited", false)) own.push_back(entry);
  return own;
}

/// The entry of a run for one request; null where it has none.
Json entry_of(ArmRun const& run, std::string const& request) {
  for (auto const& entry : own_entries(run))
    if (entry.value("request", Json()) == request) return entry;
  return nullptr;
}

std::optional<Seeds> over(std::vector<Json> const& entries, std::string const& pointer) {
  std::vector<double> values;
  for (auto const& entry : entries)
    if (auto const found = entry.value(Json::json_pointer(pointer), Json()); found.is_number())
      values.push_back(found.get<double>());
  return over_seeds(values);
}

/// Of a classifier. The key is the place in an entry; the last is of the matrix.
std::span<UnlearningColumn const> classifier_columns() {
  static std::vector<UnlearningColumn> const columns = {
      {"/forget_accuracy", "forgotten, training", 100, 1},
      {"/before/forget_test_accuracy", "forgotten, test, before", 100, 1, true},
      {"/forget_test_accuracy", "forgotten, test", 100, 1, true},
      {"/retain_accuracy", "rest, training", 100, 1},
      {"/before/test_accuracy", "rest, test, before", 100, 1, true},
      {"/test_accuracy", "rest, test", 100, 1, true},
      {"/distance_to_retrained/forget", "distance, forgotten", 1, 3},
      {"/distance_to_retrained/test", "distance, rest", 1, 3},
      {"/membership/loss", "attack by loss", 1, 3, true},
      {"/membership/attacker", "trained attack", 1, 3},
      {kRelearn, "relearning steps", 1, 1, true},
      {"/time_to_retraining", "time to retraining", 1, 2},
      {"/last", "forgotten, at the end", 100, 1, true},
  };
  return columns;
}

/// Of a conditional model: places in the arm's summary.
std::span<UnlearningColumn const> judged_columns() {
  static std::vector<UnlearningColumn> const columns = {
      {"/forgotten_before/probability", "probability before", 1, 3},
      {"/forgotten_probability", "probability", 1, 3, true},
      {"/forgotten_blank/gray", "of plain gray", 1, 3, true},
      {"/forgotten_before/accuracy", "accuracy before", 100, 1, true},
      {"/forgotten_accuracy", "accuracy", 100, 1, true},
      {"/forgotten_entropy", "entropy, nats", 1, 3, true},
      {"/forgotten_gray", "distance to gray", 1, 3},
      {"/retained_accuracy_drop", "rest, fall", 100, 1, true},
      {"/largest_retained_accuracy_drop", "rest, largest fall", 100, 1, true},
      {"/recovered/prototype/probability", "back by prototypes", 1, 3},
      {"/recovered/classifier/probability", "back by classifier", 1, 3},
  };
  return columns;
}

/// "class 0", "classes 5 9"; empty where the arm was asked for none, or is not judged.
std::string judged_request(ArmRun const& run) {
  auto const classes = run.summary_entry.value("forgotten_classes", Json::array());
  std::string text = classes.size() == 1 ? "class" : "classes";
  for (auto const& c : classes) text += " " + c.dump();
  return classes.empty() ? "" : text;
}

UnlearningTable& table_of(std::vector<UnlearningTable>& tables, std::string const& request,
                          std::span<UnlearningColumn const> columns) {
  auto table = std::ranges::find_if(tables, [&](UnlearningTable const& one) {
    return one.request == request && one.columns.data() == columns.data();
  });
  if (table == tables.end()) table = tables.insert(tables.end(), {request, columns, {}});
  return *table;
}

}  // namespace

std::string UnlearningTable::text(Line const& line, std::size_t column) const {
  auto const& of = columns[column];
  if (of.key == kRelearn && !line.relearnt) return "> " + std::to_string(kRelearnTried);
  return show_difference(line.values[column],
                         {.title = "", .unit = "", .points = "", .factor = of.factor, .decimals = of.decimals});
}

std::vector<UnlearningTable> unlearning_tables(Board const& board) {
  std::vector<UnlearningTable> tables;
  for (std::size_t i = 0; i < board.arms.size(); ++i) {
    auto const& first = *board.arms[i].seeds.front();
    for (auto const& asked : own_entries(first)) {
      auto const request = asked.value("request", std::string());
      if (request.empty()) continue;
      std::vector<Json> entries;
      for (ArmRun const* run : board.arms[i].furthest())
        if (auto entry = entry_of(*run, request); !entry.is_null()) entries.push_back(std::move(entry));
      auto& table = table_of(tables, request, classifier_columns());
      UnlearningTable::Line line{.arm = i, .values = {}};
      for (auto const& column : table.columns)
        line.values.push_back(column.key == "/last" ? board.arms[i].last(request) : over(entries, column.key));
      line.relearnt = std::ranges::none_of(entries, [](Json const& entry) {
        auto const steps = entry.value("relearn_steps", Json());
        return steps.is_number() && steps.get<double>() > kRelearnTried;
      });
      table.lines.push_back(std::move(line));
    }
    auto const request = judged_request(first);
    if (request.empty()) continue;
    std::vector<Json> entries;
    for (ArmRun const* run : board.arms[i].furthest()) entries.push_back(run->summary_entry);
    auto& table = table_of(tables, request, judged_columns());
    UnlearningTable::Line line{.arm = i, .values = {}};
    for (auto const& column : table.columns) line.values.push_back(over(entries, column.key));
    table.lines.push_back(std::move(line));
  }
  return tables;
}

void add_unlearning(Page& page, Board const& board) {
  auto const tables = unlearning_tables(board);
  if (tables.empty()) return;
  page.section(
      "unlearning-" + board.metric, "Forgetting on request",
      "Of classifiers: accuracy in % right after the request (and before it) on what was to be forgotten and on the "
      "rest, training and test samples (where single samples were asked for, test: unseen ones of their classes); at "
      "the end: test samples of what was forgotten after the last event. Distance: "
      "total variation "
      "between the answers and those of the arm that was retrained. Attacks: area under the curve of telling training "
      "samples that were "
      "forgotten from unseen ones, 0.5 where nobody can. Relearning: steps until nine of ten are known again. Time: "
      "that of the forgetting, retraining is 1. Of models that draw by class, by the judge: its probability of what "
      "was asked for and its accuracy in % on samples of it, both before the request too, and the probability that it "
      "gives a picture of plain gray, below which a class that draws nothing else cannot come; the entropy of its "
      "answers, the samples' mean distance to gray, by "
      "how many points its accuracy on the other classes falls, and the probability that two searches over codes and "
      "classes "
      "bring back. " +
          html::escape(about_judges(board)));
  for (auto const& asked : tables) {
    html::Table table;
    table.caption = html::escape(asked.request);
    table.head = {"arm"};
    for (auto const& column : asked.columns) table.head.push_back(html::escape(column.title));
    for (auto const& line : asked.lines) {
      table.rows.push_back({"<span class=\"arm a" + std::to_string(line.arm % 8) + "\"></span>" +
                            html::escape(board.arms[line.arm].label)});
      for (std::size_t c = 0; c < line.values.size(); ++c)
        table.rows.back().push_back(html::escape(asked.text(line, c)));
    }
    page.body += table.text("numbers");
  }
  page.end_section();
}

}  // namespace mneme
