// Arms over seeds, the figures made from them, and the sentence that says the result.
#include "mneme/report/board.hpp"
#include "mneme/report/generation.hpp"

#include <gtest/gtest.h>

#include "mneme/report/curves.hpp"
#include "mneme/report/headline.hpp"
#include "mneme/report/sweep.hpp"
#include "tests/report/fixture.hpp"

namespace mneme::testing {
namespace {

RunFolder written(TemporaryFolder const& out, Fixture const& fixture) {
  return RunFolder::read(write_run(out.path, fixture));
}

std::string headline_of(RunFolder const& run) { return headline(make_boards({&run, 1}).front()); }

// Wrong: mean, deviation or range over seeds are not those of the files. By hand, naive after both tasks:
// 0.1 + (0.75, 0.754, 0.758) * (0.23, 0.25, 0.27) = 0.2725, 0.2885, 0.30466; mean 0.288553, deviation 0.016080.
TEST(Board, GathersCellsOverSeeds) {
  TemporaryFolder const out("cells");
  RunFolder const run = written(out, Fixture());
  auto const boards = make_boards({&run, 1});
  ASSERT_EQ(boards.size(), 1U);
  ASSERT_EQ(boards[0].arms.size(), 2U);
  auto const last = boards[0].arms[0].last("Fashion-MNIST");
  ASSERT_TRUE(last.has_value());
  EXPECT_EQ(last->spread.n, 3);
  EXPECT_NEAR(last->spread.mean, 0.2885533, 1e-6);
  EXPECT_NEAR(last->spread.deviation, 0.0160801, 1e-6);
  EXPECT_NEAR(last->low, 0.2725, 1e-12);
  EXPECT_NEAR(last->high, 0.30466, 1e-12);
  EXPECT_EQ(show(last, boards[0].style), "28.9 ±\u00a01.6\u00a0%");
}

// Wrong: the forgetting of a task is not best minus last, or the task learnt last is said to be forgotten.
TEST(Board, ForgettingOfOneTask) {
  TemporaryFolder const out("forgetting");
  Fixture fixture;
  fixture.seeds = 1;  // seed 0: 0.85 -> 0.2725
  RunFolder const run = written(out, fixture);
  ArmGroup const naive = make_boards({&run, 1})[0].arms[0];
  EXPECT_NEAR(naive.forgetting("Fashion-MNIST")->spread.mean, 0.5775, 1e-12);
  EXPECT_FALSE(naive.forgetting("MNIST").has_value());
  EXPECT_FALSE(naive.forgetting("unknown").has_value());
}

// Wrong: a failed seed pulls the mean, or a seed that lags behind mixes an earlier evaluation into the last one.
TEST(Board, LeavesOutFailedSeedsAndWaitsForSlowOnes) {
  TemporaryFolder const out("failed");
  fs::path const folder = write_run(out.path, Fixture());
  edit_summary(folder, [](Json& summary) {
    summary["arms"][0]["status"] = "failed";
    summary["arms"][1]["rows"].erase(2);
    summary["arms"][1]["matrix"].erase(2);
  });
  RunFolder const run = RunFolder::read(folder);
  ArmGroup const naive = make_boards({&run, 1})[0].arms[0];
  EXPECT_EQ(naive.seeds.size(), 2U);
  EXPECT_EQ(naive.cell(1, "MNIST")->spread.n, 2);
  EXPECT_EQ(naive.last("Fashion-MNIST")->spread.n, 1);
  EXPECT_NEAR(naive.last("Fashion-MNIST")->spread.mean, 0.30466, 1e-12);
  EXPECT_EQ(naive.number("average")->spread.n, 1);
  EXPECT_EQ(naive.seeds_text(), "1 of 2");
  edit_summary(folder, [](Json& summary) {  // a seed that was only looked at before it was trained
    for (int seed : {1, 2}) summary["arms"][seed]["figures"] = {{"MNIST", {{"domain_accuracy", {0.5 / seed}}}}};
  });
  RunFolder const drawn = RunFolder::read(folder);
  EXPECT_EQ(generation_tables(make_boards({&drawn, 1}).front(), true).front().rows.front().front(), "25.0");
}

// Wrong: a null cell counts as 0.
TEST(Board, NullCellsStayEmpty) {
  TemporaryFolder const out("null");
  Fixture fixture;
  fixture.seeds = 1;
  fs::path const folder = write_run(out.path, fixture);
  edit_summary(folder, [](Json& summary) { summary["arms"][0]["matrix"][1][1] = nullptr; });
  RunFolder const run = RunFolder::read(folder);
  auto const boards = make_boards({&run, 1});
  EXPECT_FALSE(boards[0].arms[0].cell(1, "MNIST").has_value());
  EXPECT_EQ(show(boards[0].arms[0].cell(1, "MNIST"), boards[0].style), "–");
}

// Wrong: two runs with arms of the same name cannot be told apart, or metrics are mixed in one table.
TEST(Board, SeveralRuns) {
  TemporaryFolder const out("several");
  Fixture vae;
  vae.experiment = "vae";
  vae.metric = "negative_elbo";
  Fixture other;
  other.experiment = "other";
  std::vector<RunFolder> const runs = {written(out, Fixture()), written(out, vae), written(out, other)};
  auto const boards = make_boards(runs);
  ASSERT_EQ(boards.size(), 2U);
  EXPECT_EQ(boards[0].metric, "accuracy");
  ASSERT_EQ(boards[0].arms.size(), 4U);
  EXPECT_EQ(boards[0].arms[0].label, "demo: naive");
  EXPECT_EQ(boards[0].arms[3].label, "other: ewc");
  EXPECT_EQ(boards[1].arms[0].label, "naive");
}

// Wrong: seeds that were run one after another are rows of one seed each, without a deviation; or runs with other
// settings are taken for further seeds.
TEST(Board, SeedsOfOneExperimentStandTogether) {
  TemporaryFolder const out("seeds");
  auto const further = [&](char const* place, std::string const& config) {
    auto const folder = write_run(out.path / place, Fixture());
    edit_summary(folder, [](Json& summary) {
      for (auto& arm : summary["arms"]) arm["seed"] = arm["seed"].get<int>() + 3;
    });
    write_text(folder / "config.toml", "seeds = [3, 4, 5]\n" + config);
    return RunFolder::read(folder);
  };
  auto const first = write_run(out.path / "a", Fixture());
  auto const config = read_text(first / "config.toml");
  write_text(first / "config.toml", "seeds = [0, 1, 2]\n" + config);
  std::vector<RunFolder> const same = {RunFolder::read(first), further("b", config)};
  auto const together = make_boards(same);
  ASSERT_EQ(together[0].arms.size(), 2U);
  EXPECT_EQ(together[0].arms[0].label, "naive");
  EXPECT_EQ(together[0].arms[0].number("average")->spread.n, 6);
  std::vector<RunFolder> const other = {RunFolder::read(first), further("c", config + "threads = 2\n")};
  EXPECT_EQ(make_boards(other)[0].arms.size(), 4U);
  std::vector<RunFolder> const again = {RunFolder::read(first), RunFolder::read(first)};
  EXPECT_EQ(make_boards(again)[0].arms.size(), 4U) << "a seed counts twice";
}

// Wrong: the page's first sentence does not say what the numbers say.
TEST(Headline, TwoTasks) {
  TemporaryFolder const out("two");
  EXPECT_EQ(headline_of(written(out, Fixture())),
            "After learning MNIST, naive keeps 28.9\u00a0% on Fashion-MNIST (of 85.4\u00a0%) and ewc keeps "
            "66.6\u00a0%: mean of 3 seeds.");
}

// Wrong: a loss is said to be kept, or its direction is not said. By hand: 550 + (105 - 550) * kept, kept 0.23 and
// 0.73.
TEST(Headline, LowerIsBetter) {
  TemporaryFolder const out("lower");
  Fixture fixture;
  fixture.metric = "negative_elbo";
  fixture.seeds = 1;
  EXPECT_EQ(headline_of(written(out, fixture)),
            "After learning MNIST, naive stands at 447.6\u00a0nats per image on Fashion-MNIST (from 105.0) and ewc "
            "stands at 225.2: one seed; lower is better.");
}

// Wrong: one task or many tasks are told as if they were two.
TEST(Headline, OneTaskAndManyTasks) {
  TemporaryFolder const out("many");
  Fixture fixture;
  fixture.arms.resize(1);
  fixture.tasks = {"MNIST"};
  EXPECT_EQ(headline_of(written(out, fixture)), "After learning MNIST, naive reaches 85.4\u00a0%: mean of 3 seeds.");
  fixture.experiment = "three";
  fixture.tasks = {"a", "b", "c"};
  std::string const text = headline_of(written(out, fixture));
  EXPECT_TRUE(text.starts_with("After 3 tasks, naive averages ")) << text;
  EXPECT_NE(text.find(" points)"), std::string::npos) << text;
}

// Wrong: the sentence grows with the number of arms, or ranks them by the wrong end.
TEST(Headline, OfManyArmsTheBestAndTheWorst) {
  TemporaryFolder const out("arms");
  Fixture fixture;
  fixture.arms = {{"a", "a", 0.3}, {"b", "b", 0.9}, {"c", "c", 0.1}, {"d", "d", 0.4}, {"e", "e", 0.5}};
  std::string const text = headline_of(written(out, fixture));
  EXPECT_NE(text.find("of 5 arms b is best: it keeps"), std::string::npos) << text;
  EXPECT_NE(text.find("; c is last: it keeps"), std::string::npos) << text;
}

// Wrong: an arm that learns all tasks at once, and so has fewer rows, is left out of the sentence.
TEST(Headline, NamesAnArmThatWentAnotherWay) {
  TemporaryFolder const out("joint");
  Fixture fixture;
  fixture.seeds = 1;
  fixture.arms = {{"naive", "naive", 0.25}, {"joint", "joint", 0.9}};
  fs::path const folder = write_run(out.path, fixture);
  edit_summary(folder, [](Json& summary) {
    auto& joint = summary["arms"][1];
    joint["rows"].erase(1);
    joint["matrix"].erase(1);
    joint["rows"][1]["task"] = "joint";
  });
  std::string const text = headline_of(RunFolder::read(folder));
  EXPECT_NE(text.find("naive keeps"), std::string::npos) << text;
  EXPECT_NE(text.find("joint keeps"), std::string::npos) << text;
}

// Wrong: a request to forget is reported as a loss of accuracy.
TEST(Headline, ForgetRequest) {
  TemporaryFolder const out("forget");
  Fixture fixture;
  fixture.seeds = 1;
  fixture.arms.resize(1);
  fs::path const folder = write_run(out.path, fixture);
  edit_summary(folder, [](Json& summary) {
    Json& arm = summary["arms"][0];
    arm["rows"].push_back({{"event", 2}, {"kind", "forget"}, {"task", "MNIST"}, {"step", 500}});
    arm["matrix"].push_back({0.27, 0.01});
  });
  EXPECT_EQ(headline_of(RunFolder::read(folder)),
            "Asked to forget MNIST, naive ends at 1.0\u00a0% on it (from 95.0\u00a0%): one seed; lower is better.");
}

// Wrong: of many arms the one that still knows what was to be forgotten is called the best.
TEST(Headline, OfManyArmsThatWereAskedTheLowestIsBest) {
  TemporaryFolder const out("forget-many");
  Fixture fixture;
  fixture.seeds = 1;
  fixture.arms.clear();
  for (char const* name : {"a", "b", "c", "d", "e"}) fixture.arms.push_back({name, name, 0.5});
  fs::path const folder = write_run(out.path, fixture);
  edit_summary(folder, [](Json& summary) {
    double left = 0.5;
    for (auto& arm : summary["arms"]) {
      arm["rows"].push_back({{"event", 2}, {"kind", "forget"}, {"task", "MNIST"}, {"step", 500}});
      arm["matrix"].push_back({0.27, left});
      left -= 0.1;
    }
  });
  auto const text = headline_of(RunFolder::read(folder));
  EXPECT_NE(text.find("of 5 arms e is best: it ends at 10.0"), std::string::npos) << text;
  EXPECT_NE(text.find("a is last: it ends at 50.0"), std::string::npos) << text;
}

// Wrong: a run that has not evaluated anything gets a made-up result.
TEST(Headline, NothingYet) {
  TemporaryFolder const out("nothing");
  fs::path const folder = write_run(out.path, Fixture());
  edit_summary(folder, [](Json& summary) {
    for (Json& arm : summary["arms"]) arm["rows"] = arm["matrix"] = Json::array();
  });
  EXPECT_EQ(headline_of(RunFolder::read(folder)), "No task has been learnt and evaluated yet.");
}

// Wrong: curves miss points, mix the two parts of the test set, or mark the events at the wrong step.
TEST(Curves, OnePointPerCurveEvaluationAndOneBoundaryPerEvent) {
  TemporaryFolder const out("curves");
  RunFolder const run = written(out, Fixture());
  Board const board = make_boards({&run, 1}).front();
  auto const figures = metric_figures(board);
  ASSERT_EQ(figures.size(), 2U);
  EXPECT_TRUE(drawn_from_part(board));
  ASSERT_EQ(figures[0].series.size(), 2U);
  ASSERT_EQ(figures[0].series[0].points.size(), 20U);
  EXPECT_EQ(figures[0].series[0].points.front().x, 20);
  EXPECT_EQ(figures[0].series[0].points.back().x, 400);
  EXPECT_NEAR(figures[0].series[0].points.back().y.spread.mean, 0.2885533, 1e-6);
  EXPECT_EQ(figures[0].boundaries, (std::vector<Boundary>{{0, "learn Fashion-MNIST"}, {200, "learn MNIST"}}));
}

// Wrong: without a log nothing is drawn although the summary has the matrix.
TEST(Curves, FallBackToTheMatrix) {
  TemporaryFolder const out("fallback");
  fs::path const folder = write_run(out.path, Fixture());
  fs::remove_all(folder / "arms");
  RunFolder const run = RunFolder::read(folder);
  Board const board = make_boards({&run, 1}).front();
  auto const figures = metric_figures(board);
  ASSERT_EQ(figures.at(0).series.at(0).points.size(), 3U);
  EXPECT_EQ(figures[0].boundaries.size(), 2U);
  EXPECT_FALSE(drawn_from_part(board));
}

// Wrong: a step that was logged before a kill and again after the resumption counts as two seeds.
TEST(Curves, AStepLoggedTwiceCountsOnce) {
  TemporaryFolder const out("twice");
  Fixture fixture;
  fixture.seeds = 1;
  fs::path const folder = write_run(out.path, fixture);
  fs::path const log = folder / "arms/naive/seed-0/metrics.jsonl";
  write_text(log, read_text(log) + R"({"kind":"step","event":1,"step":400,"loss":7.5})" + "\n");
  RunFolder const run = RunFolder::read(folder);
  Point const last = training_figures(make_boards({&run, 1}).front()).at(0).series.at(0).points.back();
  EXPECT_EQ(last.x, 400);
  EXPECT_EQ(last.y.spread.n, 1);
  EXPECT_EQ(last.y.spread.mean, 7.5);
}

// Wrong: a generative run shows no BCE and KL, or swaps them. By hand: 80 % and 20 % of the total, 105.5 after MNIST.
TEST(Curves, LossParts) {
  TemporaryFolder const out("parts");
  Fixture fixture;
  fixture.metric = "negative_elbo";
  RunFolder const run = written(out, fixture);
  auto const figures = part_figures(make_boards({&run, 1}).front(), "loss_parts");
  ASSERT_EQ(figures.size(), 4U);
  EXPECT_EQ(figures[0].title, "Fashion-MNIST: BCE");
  EXPECT_EQ(figures[1].title, "Fashion-MNIST: KL");
  EXPECT_NEAR(figures[0].series[0].points[9].y.spread.mean, 0.8 * 105.5, 1e-9);
  EXPECT_NEAR(figures[1].series[0].points[9].y.spread.mean, 0.2 * 105.5, 1e-9);
}

// Wrong: a sweep's curve has its values in another order than the numbers, or arms that differ in more are drawn as
// one.
TEST(Sweep, DrawsTheFinalValuesAgainstTheOneNumberThatDiffers) {
  TemporaryFolder const out("sweep");
  Fixture fixture;
  fixture.seeds = 1;
  fixture.arms = {{"weak", "ewc", 0.5}, {"none", "ewc", 0.25}, {"strong", "ewc", 0.75}};
  fs::path const folder = write_run(out.path, fixture);
  double const lambdas[] = {10, 0, 1000};
  edit_summary(folder, [&](Json& summary) {
    for (std::size_t i = 0; i < 3; ++i)
      summary["arms"][i]["strategy_options"] =
          Json::array({{{"kind", "er"}}, {{"kind", "ewc"}, {"lambda", lambdas[i]}}});
  });
  RunFolder run = RunFolder::read(folder);
  Figure const figure = sweep_figure(make_boards({&run, 1}).front());
  EXPECT_EQ(figure.x_label, "lambda");
  EXPECT_EQ(figure.categories, (std::vector<std::string>{"0", "10", "1000"}));
  ASSERT_EQ(figure.series.size(), 2U);
  auto const& fashion = figure.series[0].points;
  ASSERT_EQ(fashion.size(), 3U);
  EXPECT_LT(fashion[0].y.spread.mean, fashion[1].y.spread.mean);
  EXPECT_LT(fashion[1].y.spread.mean, fashion[2].y.spread.mean);
  run.arms[1].summary_entry["strategy_options"][0]["memory"] = 10;
  EXPECT_TRUE(sweep_figure(make_boards({&run, 1}).front()).empty());
}

// Wrong: the CSV behind a chart has other numbers than the chart, or fewer.
TEST(Figure, CsvHoldsEveryPoint) {
  Figure figure;
  figure.x_label = "step";
  figure.scale = 100;
  figure.series = {{"a,b", 0, {}}};
  for (int i = 0; i < 1000; ++i) figure.series[0].points.push_back({double(i), {{0.5, 0.25, 2}, 0.25, 0.75}});
  std::string const csv = figure_csv(figure);
  EXPECT_TRUE(csv.starts_with("series,step,mean,deviation,low,high,n\n\"a,b\",0,0.5,0.25,0.25,0.75,2\n")) << csv;
  EXPECT_EQ(std::ranges::count(csv, '\n'), 1001);
  Json const drawn = figure_json(figure).at("series").at(0).at("points");
  EXPECT_EQ(drawn.size(), 400U);
  EXPECT_EQ(drawn.front(), Json({0.0, 50.0, 25.0, 75.0}));
  EXPECT_EQ(drawn.back().at(0), 999.0);
}

}  // namespace
}  // namespace mneme::testing
