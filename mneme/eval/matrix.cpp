// Reading and writing of the evaluation matrix.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <system_error>
#include <utility>

#include "mneme/core/errors.hpp"
#include "mneme/core/text.hpp"
#include "mneme/eval/metrics.hpp"
#include "mneme/io/csv.hpp"

namespace mneme {
namespace {

constexpr std::array<std::string_view, 4> kRowColumns = {"event", "kind", "task", "step"};
constexpr std::array<std::string_view, 4> kKinds = {"initial", "learn", "forget", "checkpoint"};

bool is_kind(std::string_view text) { return std::find(kKinds.begin(), kKinds.end(), text) != kKinds.end(); }

std::optional<std::int64_t> parse_integer(std::string const& text) {
  std::int64_t value = 0;
  auto const result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

EvaluationRow row_from_json(Json const& json) {
  EvaluationRow row{
      .event = json.at("event"), .kind = json.at("kind"), .task = json.at("task"), .step = json.at("step")};
  if (!is_kind(row.kind)) throw DataError("evaluation matrix: unknown kind of row '" + row.kind + "'");
  return row;
}

}  // namespace

Json EvaluationMatrix::to_json() const {
  Json matrix = Json::array(), row_list = Json::array();
  for (auto const& line : values) {
    Json cells = Json::array();
    for (auto const& cell : line) cells.push_back(cell ? Json(*cell) : Json());
    matrix.push_back(std::move(cells));
  }
  for (auto const& row : rows)
    row_list.push_back({{"event", row.event}, {"kind", row.kind}, {"task", row.task}, {"step", row.step}});
  return {{"tasks", tasks},
          {"higher_is_better", higher_is_better},
          {"matrix", std::move(matrix)},
          {"rows", std::move(row_list)}};
}

EvaluationMatrix EvaluationMatrix::from_json(Json const& json) {
  EvaluationMatrix matrix;
  try {
    json.at("tasks").get_to(matrix.tasks);
    json.at("higher_is_better").get_to(matrix.higher_is_better);
    for (auto const& row : json.at("rows")) matrix.rows.push_back(row_from_json(row));
    for (auto const& line : json.at("matrix")) {
      auto& cells = matrix.values.emplace_back();
      for (auto const& cell : line) cells.push_back(cell.is_null() ? Cell() : Cell(cell.get<double>()));
    }
  } catch (Json::exception const& error) {
    throw DataError(std::string("evaluation matrix: ") + error.what());
  }
  bool const fits = matrix.values.size() == matrix.rows.size() &&
                    std::all_of(matrix.values.begin(), matrix.values.end(),
                                [&](auto const& line) { return line.size() == matrix.tasks.size(); });
  if (!fits)
    throw DataError("evaluation matrix: expected " + std::to_string(matrix.rows.size()) + " rows of " +
                    std::to_string(matrix.tasks.size()) + " tasks, found another shape");
  return matrix;
}

std::string EvaluationMatrix::to_csv() const {
  std::string text = join(kRowColumns, ",");
  for (auto const& task : tasks) text += "," + csv_field(task);
  text += '\n';
  for (std::size_t e = 0; e < rows.size(); ++e) {
    auto const& row = rows[e];
    text += std::to_string(row.event) + "," + row.kind + "," + csv_field(row.task) + "," + std::to_string(row.step);
    for (auto const& cell : values[e]) text += "," + (cell ? format_number(*cell) : "");
    text += '\n';
  }
  return text;
}

EvaluationMatrix EvaluationMatrix::from_csv(std::string_view text, bool higher_is_better) {
  auto const records = csv_records(text, "matrix.csv");
  auto const fail = [](std::size_t record, std::string const& problem) {
    throw DataError("matrix.csv: record " + std::to_string(record + 1) + ": " + problem);
  };
  constexpr auto kFirstTask = static_cast<std::ptrdiff_t>(kRowColumns.size());
  if (records.empty() || records[0].size() < kRowColumns.size() ||
      !std::equal(kRowColumns.begin(), kRowColumns.end(), records[0].begin()))
    fail(0, "expected the header " + join(kRowColumns, ",") + ",<task 1>,...");

  EvaluationMatrix matrix;
  matrix.higher_is_better = higher_is_better;
  matrix.tasks.assign(records[0].begin() + kFirstTask, records[0].end());
  for (std::size_t i = 1; i < records.size(); ++i) {
    auto const& fields = records[i];
    if (fields.size() != records[0].size())
      fail(i,
           "found " + std::to_string(fields.size()) + " fields, the header has " + std::to_string(records[0].size()));
    auto const event = parse_integer(fields[0]), step = parse_integer(fields[3]);
    if (!event || !step || !is_kind(fields[1])) fail(i, "event, kind or step cannot be read");
    matrix.rows.push_back({.event = *event, .kind = fields[1], .task = fields[2], .step = *step});
    auto& cells = matrix.values.emplace_back();
    for (auto field = fields.begin() + kFirstTask; field != fields.end(); ++field) {
      cells.push_back(parse_number(*field));
      if (!field->empty() && !std::isfinite(cells.back().value_or(NAN)))
        fail(i, "'" + *field + "' is no finite number");
    }
  }
  return matrix;
}

}  // namespace mneme
