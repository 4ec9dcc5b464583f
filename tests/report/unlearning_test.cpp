#include "mneme/report/unlearning.hpp"

#include <gtest/gtest.h>

#include "mneme/report/compare.hpp"
#include "mneme/report/report.hpp"
#include "tests/report/fixture.hpp"

namespace mneme::testing {
namespace {

/// Two arms that were asked to forget the task Fashion-MNIST; ewc was not relearnt in one of its seeds.
RunFolder asked_run(TemporaryFolder const& out) {
  auto const folder = write_run(out.path, Fixture());
  edit_summary(folder, [](Json& summary) {
    for (auto& arm : summary["arms"]) {
      bool const ewc = arm["arm"] == "ewc";
      auto const seed = arm["seed"].get<int>();
      arm["unlearning"] = {{{"event", 1},
                            {"request", "Fashion-MNIST"},
                            {"forget_accuracy", ewc ? 0.1 * seed : 0.5},
                            {"forget_test_accuracy", nullptr},
                            {"retain_accuracy", 0.9},
                            {"test_accuracy", 0.8},
                            {"membership", {{"loss", 0.5}, {"attacker", 0.6}}},
                            {"before", {{"forget_test_accuracy", nullptr}, {"test_accuracy", 0.75}}},
                            {"relearn_steps", ewc && seed == 1 ? Json(101) : Json(7)},
                            {"forget_seconds", 2.0},
                            {"distance_to_retrained", {{"forget", 0.25}, {"test", 0.125}}},
                            {"time_to_retraining", 0.5}}};
    }
  });
  return RunFolder::read(folder);
}

std::map<std::string, std::string> texts_of(UnlearningTable const& table, UnlearningTable::Line const& line) {
  std::map<std::string, std::string> texts;
  for (std::size_t c = 0; c < table.columns.size(); ++c) texts[table.columns[c].key] = table.text(line, c);
  return texts;
}

// Wrong: what a branch began with stands under the branch's method, as if that had met the earlier request.
TEST(UnlearningTables, LeaveOutWhatABranchInherited) {
  TemporaryFolder const out("unlearning");
  auto const folder = write_run(out.path, Fixture());
  edit_summary(folder, [](Json& summary) {
    for (auto& arm : summary["arms"])
      arm["unlearning"] = {{{"event", 0}, {"request", "class 5"}, {"inherited", true}, {"forget_accuracy", 0.5}},
                           {{"event", 1}, {"request", "class 9"}, {"forget_accuracy", 0.25}}};
  });
  std::vector<RunFolder> const runs = {RunFolder::read(folder)};
  auto const boards = make_boards(runs);
  auto const tables = unlearning_tables(boards.front());
  ASSERT_EQ(tables.size(), 1U);
  EXPECT_EQ(tables[0].request, "class 9");
}

// Wrong: a column shows another number than its name says, or a request that nobody met has a table.
TEST(UnlearningTables, OneForEachRequestWithMeansOverSeeds) {
  TemporaryFolder const out("unlearning");
  std::vector<RunFolder> const runs = {asked_run(out)};
  auto const boards = make_boards(runs);
  auto const tables = unlearning_tables(boards.front());
  ASSERT_EQ(tables.size(), 1U);
  EXPECT_EQ(tables[0].request, "Fashion-MNIST");
  ASSERT_EQ(tables[0].lines.size(), 2U);
  auto const& ewc = tables[0].lines[1];
  auto const texts = texts_of(tables[0], ewc);
  auto const last = boards.front().arms[1].last("Fashion-MNIST");
  EXPECT_EQ(texts.at("/forget_accuracy"), "10.0 ±\u00a010.0");  // 0, 10 and 20 %
  EXPECT_EQ(texts.at("/forget_test_accuracy"), "–") << "no test samples of it";
  EXPECT_EQ(texts.at("/before/forget_test_accuracy"), "–");
  EXPECT_EQ(texts.at("/retain_accuracy"), "90.0 ±\u00a00.0");
  EXPECT_EQ(texts.at("/before/test_accuracy"), "75.0 ±\u00a00.0");
  EXPECT_EQ(texts.at("/test_accuracy"), "80.0 ±\u00a00.0");
  EXPECT_EQ(texts.at("/distance_to_retrained/forget"), "0.250 ±\u00a00.000");
  EXPECT_EQ(texts.at("/distance_to_retrained/test"), "0.125 ±\u00a00.000");
  EXPECT_EQ(texts.at("/membership/loss"), "0.500 ±\u00a00.000");
  EXPECT_EQ(texts.at("/membership/attacker"), "0.600 ±\u00a00.000");
  EXPECT_EQ(texts.at("/relearn_steps"), "> 100") << "one seed did not relearn it in the steps that were tried";
  EXPECT_EQ(texts_of(tables[0], tables[0].lines[0]).at("/relearn_steps"), "7.0 ±\u00a00.0");
  EXPECT_EQ(texts.at("/time_to_retraining"), "0.50 ±\u00a00.00");
  EXPECT_EQ(texts.at("/last"),
            show_difference(last, {.title = "", .unit = "", .points = "", .factor = 100, .decimals = 1}));

  std::vector<RunFolder> const plain = {RunFolder::read(write_run(out.path / "plain", Fixture()))};
  EXPECT_TRUE(unlearning_tables(make_boards(plain).front()).empty());
}

// Wrong: a judge's words stand nowhere, or under the figures of classifiers; what was not tried reads as not reached.
TEST(UnlearningTables, HaveWhatTheJudgeSaysOfAConditionalModel) {
  TemporaryFolder const out("unlearning-judged");
  auto const folder = write_run(out.path, Fixture());
  edit_summary(folder, [](Json& summary) {
    for (auto& arm : summary["arms"]) {
      bool const ewc = arm["arm"] == "ewc";
      if (ewc)
        arm.update({{"forgotten_classes", {5, 9}},
                    {"forgotten_before", {{"probability", 0.875}, {"accuracy", 0.91}}},
                    {"forgotten_probability", 0.0625},
                    {"forgotten_accuracy", 0.03},
                    {"forgotten_entropy", 1.5},
                    {"forgotten_blank", {{"gray", 0.25}, {"noise", 0.5}}},
                    {"retained_accuracy_drop", 0.01},
                    {"recovered", {{"classifier", {{"probability", 0.75}}}}}});
      else
        arm["unlearning"] = {{{"event", 1}, {"request", "classes 5 9"}, {"relearn_steps", nullptr}}};
    }
  });
  std::vector<RunFolder> const runs = {RunFolder::read(folder)};
  auto const tables = unlearning_tables(make_boards(runs).front());
  ASSERT_EQ(tables.size(), 2U);
  EXPECT_EQ(texts_of(tables[0], tables[0].lines[0]).at("/relearn_steps"), "–");
  auto const& judged = tables[1];
  EXPECT_EQ(judged.request, "classes 5 9");
  ASSERT_EQ(judged.lines.size(), 1U);
  EXPECT_EQ(texts_of(judged, judged.lines[0]),
            (std::map<std::string, std::string>{{"/forgotten_before/probability", "0.875 ±\u00a00.000"},
                                                {"/forgotten_probability", "0.062 ±\u00a00.000"},
                                                {"/forgotten_before/accuracy", "91.0 ±\u00a00.0"},
                                                {"/forgotten_accuracy", "3.0 ±\u00a00.0"},
                                                {"/forgotten_entropy", "1.500 ±\u00a00.000"},
                                                {"/forgotten_gray", "–"},
                                                {"/forgotten_blank/gray", "0.250 ±\u00a00.000"},
                                                {"/retained_accuracy_drop", "1.0 ±\u00a00.0"},
                                                {"/largest_retained_accuracy_drop", "–"},
                                                {"/recovered/prototype/probability", "–"},
                                                {"/recovered/classifier/probability", "0.750 ±\u00a00.000"}}));
  EXPECT_NE(to_text(compare_runs(runs)).find("Asked to forget classes 5 9\narm  n  probability"), std::string::npos);
}

// Wrong: the table stands in the report but not in compare, or under another arm's name.
TEST(UnlearningTables, StandInReportCompareAndJson) {
  TemporaryFolder const out("unlearning-pages");
  std::vector<RunFolder> const runs = {asked_run(out)};
  EXPECT_NE(make_report(runs).find("Forgetting on request"), std::string::npos);
  auto const comparison = compare_runs(runs);
  EXPECT_NE(to_text(comparison).find("Asked to forget Fashion-MNIST\narm"), std::string::npos);
  EXPECT_NE(to_markdown(comparison).find("### Asked to forget Fashion-MNIST\n\n| arm | n | forgotten, training |"),
            std::string::npos);
  Json const arms = comparison.to_json().at("unlearning").at(0).at("arms");
  EXPECT_EQ(arms.at(1).at("arm"), "ewc");
  EXPECT_NEAR(arms.at(1).at("forget_accuracy").at("mean").get<double>(), 0.1, 1e-12);
  EXPECT_EQ(arms.at(1).at("distance_to_retrained").at("test").at("mean"), 0.125);
}

}  // namespace
}  // namespace mneme::testing
