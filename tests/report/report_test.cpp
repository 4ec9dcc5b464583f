#include "mneme/report/report.hpp"

#include <gtest/gtest.h>

#include <regex>
#include <stdexcept>

#include "mneme/core/embedded.hpp"
#include "mneme/report/generation.hpp"
#include "mneme/report/html.hpp"
#include "tests/report/fixture.hpp"

namespace mneme::testing {
namespace {

std::string report_of(fs::path const& folder) {
  RunFolder const run = RunFolder::read(folder);
  return make_report({&run, 1});
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

/// What stands between the first `open` after `from` and the next `close`.
std::string between(std::string const& text, std::string const& open, std::string const& close, std::size_t from = 0) {
  auto const begin = text.find(open, from);
  if (begin == std::string::npos) return "";
  return text.substr(begin + open.size(), text.find(close, begin) - begin - open.size());
}

/// The page without the program's own script and style: what was made from the run.
std::string made(std::string page) {
  for (char const* name : {"report/chart.js", "report/report.js", "report/report.css"}) {
    std::string_view const asset = embedded_file(name);
    if (auto const at = page.find(asset); at != std::string::npos) page.erase(at, asset.size());
  }
  return page;
}

// Wrong: the page needs a network or files beside it.
TEST(Report, ReferencesNothingOutsideItself) {
  TemporaryFolder const out("self");
  Fixture fixture;
  fixture.pictures = true;
  std::string const page = made(report_of(write_run(out.path, fixture)));
  std::regex const reference(R"re((?:src|href)="([^"]{0,6}))re");
  for (auto at = std::sregex_iterator(page.begin(), page.end(), reference); at != std::sregex_iterator(); ++at) {
    std::string const target = (*at)[1];
    EXPECT_TRUE(target.starts_with("data:") || target.starts_with("#")) << target;
  }
  EXPECT_EQ(page.find("style=\""), std::string::npos) << "the policy forbids style attributes";
  EXPECT_EQ(page.find("url("), std::string::npos);
}

// Wrong: a domain's figures stand under another, percent as shares, or the error of now as that of when it was learnt.
TEST(Report, DomainsHaveATableEachOfWhatIsReconstructedAndDrawn) {
  TemporaryFolder const out("generation");
  Fixture fixture;
  fixture.seeds = 1;
  fixture.arms = {{"lifelong", "self-replay", 0.75}};
  fs::path const folder = write_run(out.path, fixture);
  EXPECT_EQ(made(report_of(folder)).find("generation-accuracy"), std::string::npos) << "of a plain classifier";
  edit_summary(folder, [](Json& summary) {
    auto& arm = summary["arms"][0];
    arm["figures"] = {{"Fashion-MNIST", {{"domain_accuracy", {0.5, 1, 0.975}}, {"squared_error", {99.0, 12.25, 18.5}}}},
                      {"MNIST", {{"domain_accuracy", {0.5, nullptr, 0.875}}}}};
    arm["judge"] = {
        {"MNIST",
         {{"experiment", "judge"}, {"test_accuracy", 0.96875}, {"feature_network", "cnn-bn of experiment 'judge'"}}}};
    arm["drawn"] = {{"MNIST", {{"accuracy", 0.625}, {"frechet_distance", 3.5}, {"nearest_training", 4.25}}}};
    arm["codes"] = {{"clusters", 0.125}, {"domains", {{"MNIST", {{"clusters", 0.375}, {"probe", {{"10", 0.75}}}}}}}};
  });
  std::string const page = made(report_of(folder));
  auto const section = between(page, "id=\"generation-accuracy\"", "</section>");
  auto const first = between(section, "<caption>Fashion-MNIST</caption>", "</table>");
  auto const second = between(section, "<caption>MNIST</caption>", "</table>");
  for (char const* text : {"97.5", "18.50", "12.25", "0.125"}) EXPECT_NE(first.find(text), std::string::npos) << text;
  for (char const* text : {"87.5", "62.5", "3.50", "4.25", "0.375", "75.0", "0.125"})
    EXPECT_NE(second.find(text), std::string::npos) << text;
  EXPECT_EQ(second.find("squared error"), std::string::npos) << "a column that no arm has";
  EXPECT_NE(section.find("cnn-bn of experiment"), std::string::npos) << "the feature network is named";
  EXPECT_NE(section.find("right on 96.9 % of real test images (what it says of drawn ones is no surer"),
            std::string::npos)
      << section;
  RunFolder const run = RunFolder::read(folder);
  auto const brief = generation_tables(make_boards({&run, 1}).front(), true);
  ASSERT_EQ(brief.size(), 2U);
  EXPECT_EQ(brief[1].task, "MNIST");
  EXPECT_EQ(brief[1].head, (std::vector<std::string>{"domain, %", "drawn as asked, %", "Fréchet, drawn"}));
  EXPECT_EQ(brief[1].rows, (std::vector<std::vector<std::string>>{{"87.5", "62.5", "3.50"}}));
}

// Wrong: a browser refuses the page's own scripts or style, or the policy lets others in.
TEST(Report, PolicyNamesItsScriptsAndStyleByTheirHashes) {
  TemporaryFolder const out("policy");
  std::string const page = report_of(write_run(out.path, Fixture()));
  std::string const policy = between(page, "Content-Security-Policy\" content=\"", "\">");
  EXPECT_TRUE(policy.starts_with("default-src 'none';")) << policy;
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
  EXPECT_NE(policy.find("style-src '" + html::csp_hash(between(page, "<style>", "</style>")) + "'"), std::string::npos);
  auto const first = page.find("<script>");
  EXPECT_NE(policy.find(html::csp_hash(between(page, "<script>", "</script>"))), std::string::npos);
  EXPECT_NE(policy.find(html::csp_hash(between(page, "<script>", "</script>", first + 1))), std::string::npos);
}

// Wrong: a name in the run folder runs as script in the reader's browser.
TEST(Report, NamesFromTheRunFolderStayText) {
  TemporaryFolder const out("names");
  std::string const bad = "</script></style>\"'><img src=x onerror=alert(1)>";
  Fixture fixture;
  fixture.title = fixture.description = fixture.data = bad;
  fixture.tasks = {bad, "MNIST"};
  fixture.arms = {{"<img src=x onerror=alert(1)>", bad, 0.5}};
  fixture.pictures = true;
  fs::path const folder = write_run(out.path, fixture);
  edit_summary(folder, [&](Json& summary) {
    summary["command"] = bad;
    summary["arms"][0]["status"] = "failed";
    summary["arms"][0]["error"] = bad;
  });
  write_text(folder / "config.toml", bad);
  write_text(folder / "environment.json", Json{{bad, bad}}.dump());
  std::string const page = made(report_of(folder));
  EXPECT_EQ(page.find("<img src=x"), std::string::npos);
  EXPECT_EQ(count(page, "<script"), 3U);
  EXPECT_EQ(count(page, "</script"), 3U);
  EXPECT_EQ(count(page, "</style"), 1U);
  Json const figures = Json::parse(between(page, "id=\"figures\">", "</script>"));
  EXPECT_EQ(figures.at("figure-1").at("boundaries").at(0).at("label"), "learn " + bad);
}

// Wrong: results on the small sample are taken for results on the full sets.
TEST(Report, SaysLoudlyThatTheDataAreASample) {
  TemporaryFolder const out("sample");
  Fixture fixture;
  EXPECT_EQ(report_of(write_run(out.path, fixture)).find("Sample data."), std::string::npos);
  fixture.data = "sample";
  std::string const page = report_of(write_run(out.path, fixture));
  EXPECT_NE(page.find("class=\"notice loud\"><b>Sample data.</b>"), std::string::npos);
  EXPECT_NE(page.find("4\u202f000 Fashion-MNIST train"), std::string::npos);
}

// Wrong: a failed arm disappears without a word, or its numbers stay in the means.
TEST(Report, NamesFailedArmsAndLeavesThemOut) {
  TemporaryFolder const out("failed");
  fs::path const folder = write_run(out.path, Fixture());
  edit_summary(folder, [](Json& summary) {
    summary["arms"][0]["status"] = "failed";
    summary["arms"][0]["error"] = "loss is not finite at event 1";
  });
  std::string const page = report_of(folder);
  EXPECT_NE(page.find("<b>Failed:</b> naive, seed 0: loss is not finite at event 1"), std::string::npos);
  EXPECT_NE(page.find("29.7 ±\u00a01.1\u00a0%"), std::string::npos) << "mean of 0.2885 and 0.30466";
}

// Wrong: the table does not show what the matrix holds, or a single seed pretends to have a deviation.
TEST(Report, TablesHoldMeanAndDeviation) {
  TemporaryFolder const out("table");
  Fixture fixture;
  std::string page = report_of(write_run(out.path, fixture));
  EXPECT_NE(page.find("<td>28.9 ±\u00a01.6\u00a0%</td>"), std::string::npos);
  EXPECT_NE(page.find("every arm <span class=\"when\">after Fashion-MNIST"), std::string::npos);
  fixture.seeds = 1;
  page = made(report_of(write_run(out.path, fixture)));
  EXPECT_NE(page.find("<td>27.3\u00a0%</td>"), std::string::npos);
  EXPECT_EQ(page.find("±\u00a0"), std::string::npos);
}

// Wrong: the same folder gives different pages, so a stored report cannot be checked.
TEST(Report, IsAFunctionOfTheFolder) {
  TemporaryFolder const out("same");
  fs::path const folder = write_run(out.path, Fixture());
  EXPECT_EQ(report_of(folder), report_of(folder));
}

// Wrong: pictures are missing, in the wrong place, or read from outside the run folder.
TEST(Report, ShowsPicturesFromTheSamplesFolderOnly) {
  TemporaryFolder const out("pictures");
  Fixture fixture;
  fixture.metric = "negative_elbo";
  fixture.pictures = true;
  fs::path const folder = write_run(out.path, fixture);
  EXPECT_EQ(count(report_of(folder), "<img src=\"data:image/png;base64,iVBOR"), 12U);  // 2 arms x 2 events x 3 pictures
  fs::path const samples = folder / "arms/naive/seed-0/samples";
  fs::copy_file(samples / "prior-event-0.png", samples.parent_path() / "outside.png");
  fs::remove(samples / "prior-event-1.png");
  write_text(samples / "text.png", "no picture");
  std::string index = read_text(samples / "index.jsonl");
  for (char const* file : {"../outside.png", "a/../../outside.png", "text.png"})
    index +=
        Json{{"file", file}, {"kind", "prior"}, {"task", ""}, {"event", 1}, {"step", 400}, {"caption", ""}}.dump() +
        "\n";
  write_text(samples / "index.jsonl", index);
  std::string const page = report_of(folder);
  EXPECT_EQ(count(page, "<img src=\"data:image/png;base64,iVBOR"), 11U);
  EXPECT_EQ(count(page, "picture missing:"), 4U);
}

// Wrong: a run with nothing in it yet has no page.
TEST(Report, OfARunThatHasJustBegun) {
  TemporaryFolder const out("begun");
  fs::path const folder = write_run(out.path, Fixture());
  edit_summary(folder, [](Json& summary) {
    summary["arms"] = Json::array();
    summary["status"] = "running";
  });
  std::string const page = report_of(folder);
  EXPECT_NE(page.find("Nothing has been evaluated yet."), std::string::npos);
  EXPECT_NE(page.find("Still running"), std::string::npos);
}

// Wrong: runs that cannot be compared stand side by side without a warning.
TEST(Report, OfSeveralRunsWarns) {
  TemporaryFolder const out("several");
  Fixture other;
  other.experiment = "other";
  other.steps_per_task = 400;
  std::vector<RunFolder> const runs = {RunFolder::read(write_run(out.path, Fixture())),
                                       RunFolder::read(write_run(out.path, other))};
  std::string const page = make_report(runs);
  EXPECT_NE(page.find("Comparison of 2 runs"), std::string::npos);
  EXPECT_NE(page.find("the numbers of steps differ"), std::string::npos);
  EXPECT_THROW(make_report({}), std::invalid_argument);
}

// Wrong: answers stand in columns, shares are of all samples instead of the class, or a seed counts twice. By hand:
// seeds 0, 1, 2 have 1, 2, 3 times {{3, 1}, {4, 4}}: 75 % and 25 % of class 0, 50 % and 50 % of class 1.
TEST(Report, ConfusionAndCalibration) {
  TemporaryFolder const out("classes");
  Fixture fixture;
  EXPECT_EQ(report_of(write_run(out.path, fixture)).find("Answers by class"), std::string::npos);
  fixture.confusion = {{3, 1}, {4, 4}};
  fs::path const folder = write_run(out.path, fixture);
  std::string page = made(report_of(folder));
  std::string const matrix = between(page, "<div class=\"confusion\">", "</table>");
  EXPECT_NE(matrix.find("<th scope=\"row\">0</th><td class=\"h8 own\">75</td><td class=\"h3\">25</td>"),
            std::string::npos)
      << matrix;
  EXPECT_NE(matrix.find("<th scope=\"row\">1</th><td class=\"h5\">50</td><td class=\"h5 own\">50</td>"),
            std::string::npos)
      << matrix;
  EXPECT_NE(page.find(html::base64("true class,answer,samples\n0,0,18\n0,1,6\n1,0,24\n1,1,24\n")), std::string::npos);
  EXPECT_NE(page.find("30.0 ±\u00a00.0\u00a0%</td>"), std::string::npos) << "0.8 |0.75 - 0.6| + 0.2 |0 - 0.9|";
  Json const figures = Json::parse(between(page, "id=\"figures\">", "</script>"));
  bool found = false;
  for (auto const& [id, figure] : figures.items())
    if (figure.at("diagonal") == true) {
      found = true;  // bins 0 and 2 of 3 have samples: 3 of 4 right, 0 of 1
      EXPECT_EQ(figure.at("series").at(0).at("points"), Json({{1.0 / 6, 75.0, 75.0, 75.0}, {2.5 / 3, 0.0, 0.0, 0.0}}));
    }
  EXPECT_TRUE(found);
  fs::path const log = folder / "arms/naive/seed-0/metrics.jsonl";
  write_text(log, read_text(log) + R"({"kind":"evaluation","confusion":[[1,2]],"bins":7})" + "\n");
  page = report_of(folder);
  EXPECT_NE(page.find("Answers by class"), std::string::npos) << "damaged counts of one seed are left out";
}

// Wrong: the page of `mneme compare` has no ranking, or a chart without its numbers as table and CSV.
TEST(Report, ComparisonHasRankingsWithMemoryAndTime) {
  TemporaryFolder const out("comparison");
  Fixture fixture;
  fixture.scenario = "class-incremental";
  fixture.with_joint = true;
  RunFolder const run = RunFolder::read(write_run(out.path, fixture));
  std::string const page = made(make_comparison({&run, 1}));
  EXPECT_NE(page.find("Ranking: class-incremental, 2 tasks"), std::string::npos);
  EXPECT_NE(page.find("Average accuracy against memory"), std::string::npos);
  EXPECT_NE(page.find("Average accuracy against time"), std::string::npos);
  EXPECT_NE(page.find("<td>2.15 MB</td>"), std::string::npos);
  EXPECT_NE(page.find("<td>2.0 ±\u00a00.0</td>"), std::string::npos) << "intransigence against joint";
  EXPECT_EQ(count(page, "<canvas"), count(page, "class=\"csv\""));
  Json const figures = Json::parse(between(page, "id=\"figures\">", "</script>"));
  Json const memory = figures.at("figure-1");
  EXPECT_EQ(memory.at("kind"), "scatter");
  EXPECT_EQ(memory.at("series").size(), 2U) << "joint keeps no bytes of its own and reads all data";
  EXPECT_NEAR(memory.at("series").at(0).at("points").at(0).at(0).get<double>(), 2.154576, 1e-9);
}

}  // namespace
}  // namespace mneme::testing
