// Metrics on matrices that can be computed by hand. If these fail, every reported figure is wrong.
#include "mneme/eval/metrics.hpp"

#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "mneme/core/errors.hpp"

namespace mneme {
namespace {

constexpr double kTolerance = 1e-12;
constexpr auto kNull = std::nullopt;

struct Line {
  char const* kind;
  char const* task;
  std::vector<Cell> cells;
};

EvaluationMatrix matrix_of(std::vector<std::string> tasks, std::vector<Line> const& lines, bool higher = true) {
  EvaluationMatrix matrix{.tasks = std::move(tasks), .higher_is_better = higher, .rows = {}, .values = {}};
  for (auto const& line : lines) {
    auto const number = static_cast<std::int64_t>(matrix.rows.size());
    matrix.rows.push_back({.event = number - 1, .kind = line.kind, .task = line.task, .step = 100 * number});
    matrix.values.push_back(line.cells);
  }
  return matrix;
}

void expect_value(std::optional<double> value, double expected) {
  ASSERT_TRUE(value.has_value());
  EXPECT_NEAR(*value, expected, kTolerance);
}

// Task a is best after b was learnt, so that forgetting and backward transfer differ.
EvaluationMatrix three_tasks() {
  return matrix_of({"a", "b", "c"}, {{"initial", "", {0.1, 0.2, 0.3}},
                                     {"learn", "a", {0.9, 0.25, 0.3}},
                                     {"learn", "b", {0.95, 0.8, 0.4}},
                                     {"learn", "c", {0.5, 0.6, 0.7}}});
}

TEST(Metrics, ThreeTasksByHand) {
  auto const m = three_tasks();
  expect_value(average(m), 0.6);
  expect_value(forgetting(m), (0.45 + 0.2) / 2);
  expect_value(backward_transfer(m), (-0.4 - 0.2) / 2);
  expect_value(forward_transfer(m), (0.05 + 0.1) / 2);
  EXPECT_TRUE(forgotten_tasks(m).empty());
  EXPECT_EQ(forgotten_value(m, "a"), kNull);
}

TEST(Metrics, LowerIsBetterTurnsTheSign) {
  auto const m =
      matrix_of({"a", "b"}, {{"initial", "", {500., 500.}}, {"learn", "a", {100., 300.}}, {"learn", "b", {120., 90.}}},
                /*higher=*/false);
  expect_value(average(m), 105);
  expect_value(forgetting(m), 20);
  expect_value(backward_transfer(m), -20);
  expect_value(forward_transfer(m), 200);
}

TEST(Metrics, AverageIncrementalIsTheMeanOverEventsOfWhatWasLearntSoFar) {
  expect_value(average_incremental(three_tasks()), (0.9 + (0.95 + 0.8) / 2 + (0.5 + 0.6 + 0.7) / 3) / 3);
  auto const forgotten = matrix_of({"a", "b"}, {{"learn", "a", {0.9, 0.1}},
                                                {"forget", "a", {0.2, 0.1}},
                                                {"checkpoint", "", {0.2, 0.3}},
                                                {"learn", "b", {0.3, 0.8}}});
  expect_value(average_incremental(forgotten), (0.9 + 0.8) / 2);  // a was asked to be forgotten
  EXPECT_EQ(average_incremental(matrix_of({"a"}, {{"initial", "", {0.1}}})), kNull);
}

TEST(Metrics, IntransigenceComparesEachTaskWithAReferenceThatHasSeenAllUpToIt) {
  auto const cumulative = matrix_of({"a", "b", "c"}, {{"initial", "", {0.1, 0.1, 0.1}},
                                                      {"learn", "a", {0.92, 0.2, 0.2}},
                                                      {"learn", "b", {0.99, 0.9, 0.2}},
                                                      {"learn", "c", {0.99, 0.99, 0.6}}});
  expect_value(intransigence(three_tasks(), cumulative), (0.02 + 0.1 - 0.1) / 3);
  auto const joint = matrix_of({"c", "a"}, {{"initial", "", {0.1, 0.1}}, {"learn", "joint", {0.75, 0.94}}});
  expect_value(intransigence(three_tasks(), joint), (0.05 + 0.04) / 2);  // b is not in it
  auto const loss = matrix_of({"a"}, {{"learn", "a", {3.}}}, /*higher=*/false);
  expect_value(intransigence(loss, matrix_of({"a"}, {{"learn", "joint", {1.}}}, false)), 2);
  EXPECT_EQ(intransigence(three_tasks(), matrix_of({"x"}, {{"learn", "x", {1.}}})), kNull);
}

// Wrong: a task that was to be forgotten counts as one that was never learnt well, or an empty cell counts as 0.
TEST(Metrics, IntransigenceLeavesOutForgottenTasksAndEmptyCells) {
  auto const joint =
      matrix_of({"a", "b", "c"}, {{"initial", "", {0.1, kNull, 0.1}}, {"learn", "joint", {0.9, 0.8, kNull}}});
  auto const m = matrix_of({"a", "b", "c"}, {{"initial", "", {0.1, kNull, 0.1}},
                                             {"learn", "a", {0.7, kNull, 0.1}},
                                             {"learn", "b", {0.6, 0.5, 0.2}},
                                             {"forget", "a", {0.0, 0.5, 0.2}},
                                             {"learn", "c", {0.1, 0.4, 0.6}}});
  expect_value(intransigence(m, joint), 0.8 - 0.5);  // b alone: a is forgotten, the reference has no value for c
  auto never = m;
  never.values[2][1] = kNull;
  EXPECT_EQ(intransigence(never, joint), kNull);
  EXPECT_EQ(intransigence(m, matrix_of({"a", "b", "c"}, {})), kNull) << "a reference that was never measured";
}

TEST(Metrics, AverageIncrementalSkipsEmptyCells) {
  auto const m = matrix_of({"a", "b"}, {{"initial", "", {0.1, kNull}},
                                        {"learn", "a", {kNull, kNull}},  // nothing measured: no part of the mean
                                        {"learn", "b", {0.5, kNull}},
                                        {"learn", "a", {0.9, 0.7}}});
  expect_value(average_incremental(m), (0.5 + (0.9 + 0.7) / 2) / 2);
}

// Wrong: a request in the middle shifts which row is "the one after the task was learnt".
TEST(Metrics, TransferWithARequestAndEmptyCells) {
  auto const m = matrix_of({"a", "b", "c"}, {{"initial", "", {0.1, 0.2, kNull}},
                                             {"learn", "a", {0.8, 0.3, kNull}},
                                             {"forget", "c", {0.8, 0.9, 0.9}},
                                             {"learn", "b", {kNull, 0.9, 0.5}},
                                             {"learn", "c", {0.7, 0.6, 0.8}}});
  EXPECT_TRUE(forgotten_tasks(m).empty()) << "c was learnt after the request";
  expect_value(backward_transfer(m), ((0.7 - 0.8) + (0.6 - 0.9)) / 2);
  expect_value(forgetting(m), ((0.8 - 0.7) + (0.9 - 0.6)) / 2);
  expect_value(forward_transfer(m), 0.3 - 0.2);  // b; c has no value before training
}

TEST(Metrics, OneTaskHasNoTransferAndNoForgetting) {
  auto const m = matrix_of({"a"}, {{"initial", "", {0.1}}, {"learn", "a", {0.9}}});
  expect_value(average(m), 0.9);
  EXPECT_EQ(forgetting(m), kNull);
  EXPECT_EQ(backward_transfer(m), kNull);
  EXPECT_EQ(forward_transfer(m), kNull);
}

TEST(Metrics, NothingMeasuredIsNullNotZero) {
  auto const empty = matrix_of({"a", "b"}, {});
  auto const untrained = matrix_of({"a", "b"}, {{"initial", "", {kNull, kNull}}});
  for (auto const& m : {empty, untrained}) {
    EXPECT_EQ(average(m), kNull);
    EXPECT_EQ(forgetting(m), kNull);
    EXPECT_EQ(backward_transfer(m), kNull);
    EXPECT_EQ(forward_transfer(m), kNull);
    EXPECT_EQ(forgotten_value(m, "a"), kNull);
  }
}

TEST(Metrics, EmptyCellsAreSkipped) {
  auto const m = matrix_of(
      {"a", "b", "c"},
      {{"initial", "", {0.1, kNull, kNull}}, {"learn", "a", {0.9, kNull, kNull}}, {"learn", "b", {0.8, 0.7, kNull}}});
  expect_value(average(m), 0.75);
  expect_value(forgetting(m), 0.1);
  EXPECT_EQ(forward_transfer(m), kNull);  // b has no value before it is learnt
}

TEST(Metrics, ATaskThatIsNotLearntYetIsNotForgotten) {
  auto m = three_tasks();
  m.rows.pop_back();
  m.values.pop_back();
  expect_value(forgetting(m), 0.9 - 0.95);         // a only; negative: it became better
  expect_value(backward_transfer(m), 0.95 - 0.9);  // a only
  expect_value(forward_transfer(m), 0.05);         // b only
}

TEST(Metrics, ForgottenOnRequestIsLeftOutAndReportedApart) {
  auto const m = matrix_of({"a", "b", "c"}, {{"initial", "", {0.1, 0.1, 0.1}},
                                             {"learn", "a", {0.9, 0.2, 0.1}},
                                             {"learn", "b", {0.8, 0.7, 0.3}},
                                             {"forget", "a", {0.0, 0.99, 0.1}},
                                             {"learn", "c", {0.05, 0.6, 0.8}}});
  EXPECT_EQ(forgotten_tasks(m), std::vector<std::string>{"a"});
  expect_value(forgotten_value(m, "a"), 0.05);
  EXPECT_EQ(forgotten_value(m, "b"), kNull);
  EXPECT_EQ(forgotten_value(m, "no such task"), kNull);
  expect_value(average(m), 0.7);
  expect_value(forgetting(m), 0.7 - 0.6);              // b; the 0.99 of the Forget row does not count
  expect_value(backward_transfer(m), 0.6 - 0.7);       // b
  expect_value(forward_transfer(m), (0.1 + 0.2) / 2);  // b and c; c from the Learn row before, not the Forget row
}

TEST(Metrics, AStreamThatEndsWithForgettingUsesTheLastLearnRow) {
  auto const m = matrix_of({"a", "b", "c"}, {{"initial", "", {0.1, 0.1, 0.1}},
                                             {"learn", "a", {0.9, 0.1, 0.1}},
                                             {"learn", "b", {0.8, 0.7, 0.1}},
                                             {"learn", "c", {0.7, 0.6, 0.9}},
                                             {"forget", "b", {0.5, 0.0, 0.8}}});
  expect_value(average(m), (0.5 + 0.8) / 2);
  expect_value(forgetting(m), 0.9 - 0.7);
  expect_value(forgotten_value(m, "b"), 0.0);
}

TEST(Metrics, ATaskLearntAgainAfterForgettingCountsFromThen) {
  auto const m = matrix_of({"a", "b"}, {{"initial", "", {0.1, 0.1}},
                                        {"learn", "a", {0.9, 0.1}},
                                        {"forget", "a", {0.1, 0.1}},
                                        {"learn", "a", {0.6, 0.1}},
                                        {"learn", "b", {0.5, 0.8}}});
  EXPECT_TRUE(forgotten_tasks(m).empty());
  expect_value(average(m), 0.65);
  expect_value(forgetting(m), 0.6 - 0.5);
  expect_value(backward_transfer(m), 0.5 - 0.6);
}

TEST(Metrics, CheckpointsCountForTheAverageOnly) {
  auto const m = matrix_of({"a", "b"}, {{"initial", "", {0.1, 0.1}},
                                        {"checkpoint", "a", {0.99, 0.5}},
                                        {"learn", "a", {0.8, 0.2}},
                                        {"checkpoint", "b", {0.95, 0.6}},
                                        {"learn", "b", {0.6, 0.9}},
                                        {"checkpoint", "", {0.4, 0.5}}});
  expect_value(average(m), 0.45);
  expect_value(forgetting(m), 0.8 - 0.6);
  expect_value(forward_transfer(m), 0.2 - 0.1);
}

TEST(Metrics, SpreadIsTheSampleDeviation) {
  std::array const values = {2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0};
  Spread const s = spread(values);
  EXPECT_NEAR(s.mean, 5.0, kTolerance);
  EXPECT_NEAR(s.deviation, 2.138089935299395, kTolerance);  // sqrt(32 / 7)
  EXPECT_EQ(s.n, 8);
  EXPECT_EQ(spread(std::span(values).first(1)).deviation, 0.0);
  EXPECT_EQ(spread(std::span(values).first(1)).mean, 2.0);
  EXPECT_EQ(spread({}).n, 0);
}

TEST(Matrix, JsonAndCsvReadBackExactly) {
  auto m = three_tasks();
  m.tasks[1] = "b, \"quoted\"";
  m.rows[2].task = m.tasks[1];
  m.values[0][2] = kNull;
  m.values[1][0] = 1.0 / 3;
  m.values[3][2] = kNull;
  EXPECT_EQ(EvaluationMatrix::from_json(Json::parse(m.to_json().dump())), m);
  EXPECT_EQ(EvaluationMatrix::from_csv(m.to_csv(), true), m);
}

TEST(Matrix, CsvHasTheDocumentedForm) {
  auto const m = matrix_of({"a", "b"}, {{"initial", "", {0.5, kNull}}, {"learn", "a", {1., kNull}}});
  EXPECT_EQ(m.to_csv(), "event,kind,task,step,a,b\n-1,initial,,0,0.5,\n0,learn,a,100,1,\n");
  EXPECT_EQ(
      m.to_json().dump(),
      R"({"tasks":["a","b"],"higher_is_better":true,"matrix":[[0.5,null],[1.0,null]],)"
      R"("rows":[{"event":-1,"kind":"initial","task":"","step":0},{"event":0,"kind":"learn","task":"a","step":100}]})");
}

TEST(Matrix, DamagedTextIsADataError) {
  for (auto const* const bad :
       {"", "event,kind\n", "event,kind,task,step,a\n0,learn,a,1\n", "event,kind,task,step,a\n0,learn,a,1,x\n",
        "event,kind,task,step,a\n0,learn,a,1,nan\n", "event,kind,task,step,a\nx,learn,a,1,1\n",
        "event,kind,task,step,a\n0,unlearn,a,1,1\n", "event,kind,task,step,\"a\n"})
    EXPECT_THROW(EvaluationMatrix::from_csv(bad, true), DataError) << bad;
}

TEST(Matrix, DamagedJsonIsADataError) {
  Json const good = three_tasks().to_json();
  for (auto const* const key : {"tasks", "higher_is_better", "matrix", "rows"}) {
    Json bad = good;
    bad.erase(key);
    EXPECT_THROW(EvaluationMatrix::from_json(bad), DataError) << key;
  }
  Json short_row = good;
  short_row["matrix"][1].erase(0);
  EXPECT_THROW(EvaluationMatrix::from_json(short_row), DataError);
  Json text_cell = good;
  text_cell["matrix"][1][0] = "0.5";
  EXPECT_THROW(EvaluationMatrix::from_json(text_cell), DataError);
  EXPECT_THROW(EvaluationMatrix::from_json(Json::array()), DataError);
}

}  // namespace
}  // namespace mneme
