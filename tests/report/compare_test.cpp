#include "mneme/report/compare.hpp"

#include <gtest/gtest.h>

#include "tests/report/fixture.hpp"

namespace mneme::testing {
namespace {

bool warns(Comparison const& comparison, std::string const& words) {
  return std::ranges::any_of(comparison.warnings,
                             [&](std::string const& warning) { return warning.find(words) != std::string::npos; });
}

std::vector<RunFolder> with_other(TemporaryFolder const& out, Fixture other) {
  other.experiment = "other";
  return {RunFolder::read(write_run(out.path, Fixture())), RunFolder::read(write_run(out.path, other))};
}

// Wrong: rows are lost or hold other numbers than the summaries.
TEST(Compare, OneRowPerRunAndArm) {
  TemporaryFolder const out("rows");
  Comparison const comparison = compare_runs(with_other(out, Fixture()));
  ASSERT_EQ(comparison.rows.size(), 4U);
  EXPECT_EQ(comparison.rows[1].arm, "ewc");
  EXPECT_EQ(comparison.rows[1].run, "demo/20250102T030405Z-0a1b2c3d");
  EXPECT_NEAR(comparison.rows[0].final_values[0]->spread.mean, 0.2885533, 1e-6);
  EXPECT_EQ(comparison.rows[0].steps->spread.mean, 400);
  EXPECT_EQ(comparison.rows[0].seconds->spread.mean, 9.5);
  EXPECT_TRUE(comparison.warnings.empty()) << comparison.warnings.front();
}

// Wrong: runs on different data, nets, lengths or metrics are compared as if they were alike.
TEST(Compare, WarnsOfEverythingThatDiffers) {
  TemporaryFolder const out("warnings");
  Fixture other;
  other.steps_per_task = 100;
  EXPECT_TRUE(warns(compare_runs(with_other(out, other)), "the numbers of steps differ: 200"));
  other = {};
  other.tasks = {"MNIST", "Fashion-MNIST"};
  EXPECT_TRUE(warns(compare_runs(with_other(out, other)), "the data differ between"));
  other = {};
  other.metric = "negative_elbo";
  EXPECT_TRUE(warns(compare_runs(with_other(out, other)), "the metrics differ"));
  EXPECT_TRUE(warns(compare_runs(with_other(out, other)), "the learner's settings differ"));
  auto runs = with_other(out, Fixture());
  runs[1].config_text = "[learner]\nname = \"classifier\"\nnet = \"cnn\"\n";
  EXPECT_TRUE(warns(compare_runs(runs), "the learner's settings differ"));
  runs[1].arms[0].summary_entry["parameters"] = 7;
  EXPECT_TRUE(warns(compare_runs(runs), "the numbers of parameters differ"));
  runs[1].config_text = "[net";
  EXPECT_TRUE(warns(compare_runs(runs), "config.toml")) << "an unreadable configuration is said, not thrown";
}

// Wrong: the terminal's table is not aligned, or hides what was left out.
TEST(Compare, Text) {
  TemporaryFolder const out("text");
  auto runs = with_other(out, Fixture());
  runs[0].arms[0].status = "failed";
  runs[0].arms[0].error = "not finite";
  Comparison const comparison = compare_runs(runs);
  std::string const text = to_text(comparison);
  EXPECT_NE(text.find("28.9 ± 1.6"), std::string::npos) << text;
  EXPECT_NE(text.find("left out: demo/20250102T030405Z-0a1b2c3d: naive, seed 0 failed: not finite"), std::string::npos)
      << text;
  EXPECT_EQ(text.find(" \n"), std::string::npos) << "no trailing spaces";
  Json const json = comparison.to_json();
  EXPECT_EQ(json.at("rows").at(0).at("final").at("MNIST").at("n"), 2);
  EXPECT_EQ(json.at("failures").size(), 1U);
}

}  // namespace
}  // namespace mneme::testing
