// Verdicts over published cells. If these fail, a figure is called reproduced that is not, or counted that must not be.
#include "mneme/report/published.hpp"

#include <gtest/gtest.h>

#include <set>

#include "mneme/core/errors.hpp"
#include "tests/core/message_of.hpp"

namespace mneme {
namespace {

constexpr char const* kTable = R"(
name = "t"
title = "T"
[stream]
kind = "split"
[learner]
kind = "classifier"
[arm.none]
strategy = "naive"
[arm.a]
strategy = "ewc"
[arm.b]
strategy = "er"
[published]
source = "S"
naive = "none"
minutes = 2
cell.none = { value = 20.0, sem = 0.1, seeds = 20 }
cell.a = { value = 22.9, tolerance = 3 }
cell.b = { value = 80.0, verified = false, note = "from memory" }
)";

CellResult result(std::vector<double> const& values) {
  CellResult r;
  for (std::size_t i = 0; i < values.size(); ++i) r.values[static_cast<std::int64_t>(i)] = values[i];
  return r;
}

PublishedCell cell(double value, std::optional<double> sem = {}, std::optional<double> tolerance = {}) {
  PublishedCell c;
  c.value = value;
  c.sem = sem;
  c.tolerance = tolerance;
  return c;
}

TEST(Published, ATableIsAnExperimentWithCells) {
  auto const table = published_table(kTable, "t.toml");
  EXPECT_FALSE(table.experiment.contains("published"));
  EXPECT_EQ(table.source, "S");
  ASSERT_EQ(table.cells.size(), 3U);
  EXPECT_EQ(table.cells[1].name, "t/a");
  EXPECT_FALSE(table.cells[0].near_naive) << "the naive cell itself";
  EXPECT_TRUE(table.cells[1].near_naive);
  EXPECT_FALSE(table.cells[2].near_naive);
  EXPECT_FALSE(table.cells[2].verified);
  auto text = std::string(kTable);
  text.replace(text.find("cell.a"), 6, "cell.x");
  auto const message = message_of<ConfigError>([&] { static_cast<void>(published_table(text, "t.toml")); });
  EXPECT_NE(message.find("no arm of that name"), std::string::npos) << message;
}

TEST(Published, TheAllowedDifferenceIsTheRule) {
  Spread const exact{.mean = 0, .deviation = 0, .n = 5}, wide{.mean = 0, .deviation = 3, .n = 9};
  EXPECT_DOUBLE_EQ(allowed_difference(cell(0, 0.1), exact), 1.0);
  EXPECT_DOUBLE_EQ(allowed_difference(cell(0, 0.8), exact), 1.6);
  EXPECT_DOUBLE_EQ(allowed_difference(cell(0, 0.0, {}), exact), 2 * 0.0 + 1) << "an sem of 0 is a spread";
  EXPECT_NEAR(allowed_difference(cell(0, 0.75), wide), 2 * 1.25, 1e-12);  // sqrt(0.75^2 + 1^2)
  EXPECT_DOUBLE_EQ(allowed_difference(cell(0), wide), 3.0);
  EXPECT_DOUBLE_EQ(allowed_difference(cell(0, {}, 3.0), wide), 3.0);
}

TEST(Published, AVerdictNeedsThreeSeedsAndUsesTheirMean) {
  auto const c = cell(50, 0.1);
  auto const two = result({50, 50}), good = result({49, 51, 50.5}), bad = result({50, 50, 56});
  EXPECT_EQ(verdict(c, nullptr), Verdict::kNotTried);
  EXPECT_EQ(verdict(c, &two), Verdict::kNotTried);
  EXPECT_EQ(verdict(c, &good), Verdict::kReproduced);
  EXPECT_EQ(verdict(cell(60, 0.1), &bad), Verdict::kDiffers);
}

// Wrong: after a table is corrected the old verdict stands.
TEST(Published, AValueOfAnotherProtocolIsNotJudged) {
  auto const table = published_table(kTable, "t.toml");
  auto const& c = table.cells.front();
  auto measured = result({c.value, c.value, c.value});
  EXPECT_EQ(verdict(c, &measured), Verdict::kNotTried);
  measured.protocol = c.protocol;
  EXPECT_EQ(verdict(c, &measured), Verdict::kReproduced);
  std::string other(kTable);
  other.insert(other.find("[published]"), "[train]\nepochs = 7\n");
  EXPECT_NE(published_table(other, "t.toml").cells.front().protocol, c.protocol);
  other = kTable;
  other.insert(0, "seeds = [4, 5]\n");
  EXPECT_EQ(published_table(other, "t.toml").cells.front().protocol, c.protocol);
}

/// The results, as of the table's own protocol.
std::map<std::string, CellResult> of(PublishedTable const& table, std::map<std::string, CellResult> results) {
  for (auto const& c : table.cells)
    if (auto const found = results.find(c.name); found != results.end()) found->second.protocol = c.protocol;
  return results;
}

// Wrong: a cell that equals naive because the method did nothing is counted, or one from memory is.
TEST(Published, OnlyVerifiedAndActiveCellsCount) {
  auto const table = published_table(kTable, "t.toml");
  auto results =
      of(table, {{"t/none", result({20, 20, 20})}, {"t/a", result({22, 23, 22})}, {"t/b", result({80, 80, 80})}});
  EXPECT_EQ(counted({table}, results), 1) << "a: no proof; b: from memory";
  auto& a = results["t/a"];
  a.differs_from_naive = true;
  EXPECT_EQ(counted({table}, results), 2);
  a.largest_term = 0.0;
  EXPECT_EQ(counted({table}, results), 1) << "its penalty is always zero";
  a.largest_term = 0.1;
  a.largest_trace = 0.0;
  EXPECT_EQ(counted({table}, results), 1) << "its Fisher is zero";
}

TEST(Published, AtMostEightCellsNearNaiveCount) {
  PublishedTable table;
  table.naive = "none";
  std::map<std::string, CellResult> results;
  for (int i = 0; i < 12; ++i) {
    PublishedCell c = cell(20, {}, 3.0);
    c.name = "t/" + std::to_string(i);
    c.near_naive = true;
    table.cells.push_back(c);
    results[c.name] = result({20, 20, 20});
    results[c.name].differs_from_naive = true;
  }
  EXPECT_EQ(counted({table}, results), 8);
}

TEST(Published, ValuesComeFromFinishedRunsOnly) {
  auto const table = published_table(kTable, "t.toml");
  RunFolder run;
  run.summary = {{"mneme", "1"}};
  auto const add = [&](std::string const& arm, std::int64_t seed, double last, std::string const& status,
                       std::string const& hash) {
    ArmRun a;
    a.arm = arm;
    a.seed = seed;
    a.status = status;
    a.matrix = {.tasks = {"x", "y"}, .higher_is_better = true, .rows = {{}}, .values = {{last, last - 0.2}}};
    a.summary_entry = {{"parameter_hash", hash}, {"wall_seconds", {{"total", 60.0}}}};
    a.metrics = {{{"kind", "step"}, {"terms", {{"penalty", 0.0}}}},
                 {{"kind", "step"}, {"terms", {{"penalty", 0.25}}}},
                 {{"kind", "importance"}, {"trace", 7.0}}};
    run.arms.push_back(std::move(a));
  };
  add("none", 0, 0.5, "finished", "n0");
  add("none", 1, 0.6, "finished", "n1");
  add("a", 0, 0.7, "finished", "a0");
  add("a", 1, 0.9, "finished", "n1");  // the same parameters as naive
  add("b", 0, 0.9, "finished", "b0");
  add("b", 1, 0.9, "stopped", "b1");
  auto const measured = measured_cells(table, run);
  ASSERT_TRUE(measured.contains("t/a"));
  EXPECT_FALSE(measured.contains("t/b")) << "a seed must not be left out";
  auto const& a = measured.at("t/a");
  EXPECT_NEAR(a.values.at(0), 60, 1e-9);
  EXPECT_NEAR(a.values.at(1), 80, 1e-9);
  EXPECT_NEAR(a.minutes, 2, 1e-12);
  EXPECT_EQ(a.differs_from_naive, false) << "one seed equals naive";
  EXPECT_EQ(a.largest_term, 0.25);
  EXPECT_EQ(a.largest_trace, 7.0);
  EXPECT_EQ(verdict(table.cells.front(), &measured.at(table.cells.front().name)), Verdict::kNotTried) << "two seeds";
  for (auto const& c : table.cells)
    if (measured.contains(c.name)) {
      EXPECT_EQ(measured.at(c.name).protocol, c.protocol);
    }
  std::erase_if(run.arms, [](ArmRun const& arm) { return arm.arm == "none" && arm.seed == 1; });
  EXPECT_EQ(measured_cells(table, run).at("t/a").differs_from_naive, std::nullopt) << "seed 1 has nothing beside it";
}

// Wrong: seeds of a second run take the place of the first's, or the proof of activity is that of one of the two.
TEST(Published, SeedsOfTwoRunsAreOneMeasurement) {
  CellResult first, second;
  first.values = {{0, 60}};
  first.differs_from_naive = true;
  first.minutes = 1;
  first.largest_trace = 3;
  second.values = {{1, 70}, {2, 80}};
  second.differs_from_naive = false;
  second.minutes = 2;
  second.largest_trace = 2;
  second.largest_term = 0.5;
  first.join(second);
  EXPECT_EQ(first.values, (std::map<std::int64_t, double>{{0, 60}, {1, 70}, {2, 80}}));
  EXPECT_EQ(first.differs_from_naive, false);
  EXPECT_EQ(first.minutes, 3);
  EXPECT_EQ(first.largest_trace, 3.0);
  EXPECT_EQ(first.largest_term, 0.5);
  CellResult third;
  third.values = {{3, 80}};
  first.join(third);
  EXPECT_EQ(first.differs_from_naive, std::nullopt) << "a seed that nothing stood beside";
}

TEST(Published, ResultsReadBackExactly) {
  auto r = result({1.25, 2.5, 1.0 / 3});
  r.largest_term = 0.5;
  r.minutes = 3;
  r.version = "0.1";
  r.protocol = "beef";
  auto const back = CellResult::from_json(r.to_json());
  EXPECT_EQ(back.values, r.values);
  EXPECT_EQ(back.protocol, r.protocol);
  EXPECT_EQ(back.largest_term, r.largest_term);
  EXPECT_EQ(back.largest_trace, r.largest_trace);
  EXPECT_THROW(CellResult::from_json({{"values", 3}}), DataError);
}

TEST(Published, ThePageEndsEachRowWithItsVerdict) {
  auto const table = published_table(kTable, "t.toml");
  auto const page =
      reproducibility_page({table}, of(table, {{"t/none", result({20, 20.1, 19.9})}, {"t/a", result({30, 30, 30})}}));
  EXPECT_NE(page.find("| reproduced |\n"), std::string::npos);
  EXPECT_NE(page.find("| differs |\n"), std::string::npos);
  EXPECT_NE(page.find("unverified value"), std::string::npos);
  EXPECT_NE(page.find("| not tried |\n"), std::string::npos);
  EXPECT_NE(page.find("1 of 2 cells reproduced that were tried and whose value is verified, 1 counted, 3 listed"),
            std::string::npos)
      << page;
}

TEST(Published, EveryTableOfTheCatalogueIsWhole) {
  std::set<std::string> names;
  for (auto const& table : published_tables()) {
    EXPECT_TRUE(names.insert(table.name).second) << table.name;
    EXPECT_FALSE(table.source.empty()) << table.name;
    EXPECT_GT(table.minutes, 0) << table.name;
    EXPECT_FALSE(table.cells.empty()) << table.name;
    EXPECT_TRUE(table.naive.empty() || table.experiment.at("arm").contains(table.naive)) << table.name;
  }
}

}  // namespace
}  // namespace mneme
