// Risk on true data and on what is trained on: if these fail, a study says that forgetting follows from replay's
// distance to the truth, of samples that were not trained on, or looking at them changes the run.
#include "mneme/experiment/risk.hpp"

#include "mneme/core/interrupt.hpp"
#include "mneme/core/toml.hpp"
#include "mneme/experiment/run.hpp"
#include "mneme/io/json_file.hpp"
#include "tests/io/support.hpp"
#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

constexpr std::int64_t kImages = 200;  // of a task, training and test

Stream tasks(std::int64_t train = kImages) {
  Stream stream = toy::stream(3, train);
  for (std::int64_t i = 0; i < 3; ++i)
    stream.events[static_cast<std::size_t>(i)] = toy::task("toy-" + std::to_string(i), i, train, kImages);
  return stream;
}

struct Observed {
  Json risk;
  std::string training_hash;
  std::vector<std::vector<double>> test, train;  // errors after each event, by task
};

class Asker final : public Observer {
 public:
  Asker(Trainer& trainer, Observed& observed) : trainer_(trainer), observed_(observed) {}
  void evaluated(EvaluationMatrix const& matrix, Learner&) override {
    if (matrix.rows.back().kind != "learn") return;
    std::vector<double> test, train;
    for (auto const& event : tasks().events) {
      auto const& task = std::get<Task>(event);
      test.push_back(1 - trainer_.test(task.test, task.id).front());
      train.push_back(1 - trainer_.test(task.train, task.id).front());
    }
    observed_.test.push_back(test);
    observed_.train.push_back(train);
  }

 private:
  Trainer& trainer_;
  Observed& observed_;
};

Observed observe(Json const& strategy, std::string const& learner, bool with = true, bool every_epoch = false,
                 std::int64_t images = kImages) {
  test::TemporaryFolder const folder;
  auto list = test::listed(strategy);
  auto const stream = list.wrap(tasks(images));
  auto train = RunRecipe::toy().train;
  train.epochs = 2;
  EvaluationOptions evaluation;
  evaluation.every_epoch = every_epoch;
  test::Rig rig(std::move(list), train, learner, evaluation);
  Observed observed;
  RiskObserver risk(folder.path() / "risk.json", {.samples = kImages, .steps = 60}, stream, rig.trainer, train, 0);
  Asker asker(rig.trainer, observed);
  if (with) rig.trainer.attach(&risk);
  rig.trainer.attach(&asker);
  rig.trainer.run(stream);
  observed.training_hash = rig.trainer.training_hash();
  if (with) observed.risk = read_json(folder.path() / "risk.json");
  return observed;
}

TEST(Risk, FineTuningIsTrainedOnItsOwnTaskAndMeasuredOnAllSoFar) {
  auto const seen = observe("naive", "classifier");
  auto const& rows = seen.risk.at("rows");
  ASSERT_EQ(rows.size(), 3U);
  for (std::size_t t = 0; t < 3; ++t) {
    double target = 0;
    for (std::size_t i = 0; i <= t; ++i) target += seen.test[t][i] / static_cast<double>(t + 1);
    EXPECT_NEAR(rows[t].at("target_risk").get<double>(), target, 1e-9);
    EXPECT_NEAR(rows[t].at("source_risk").get<double>(), seen.train[t][t], 1e-9) << "all its images are in the sample";
    EXPECT_EQ(rows[t].at("target").size(), t + 1);
    EXPECT_EQ(rows[t].at("source").size(), 1U);
    auto const& event = seen.risk.at("events")[t];
    EXPECT_NEAR(rows[t].at("bound").get<double>(),
                seen.train[t][t] + event.at("discrepancy").get<double>() / 2 + event.at("joint_error").get<double>(),
                1e-9);
  }
  // Training and test images are of one kind; from the second task on the source lacks what the target has.
  auto const& events = seen.risk.at("events");
  EXPECT_LT(events[0].at("discrepancy").get<double>(), 0.5);
  EXPECT_GT(events[2].at("discrepancy").get<double>(), 0.8);
  EXPECT_LT(events[0].at("joint_error").get<double>(), 0.2);
}

TEST(Risk, JointTrainingHasTheTargetForItsSource) {
  auto const seen = observe("joint", "classifier");
  ASSERT_EQ(seen.risk.at("rows").size(), 1U);
  auto const& row = seen.risk.at("rows")[0];
  EXPECT_EQ(row.at("target").size(), 3U);
  EXPECT_EQ(row.at("source").size(), 3U);
  EXPECT_LT(seen.risk.at("events")[0].at("discrepancy").get<double>(), 0.5);
}

TEST(Risk, ReplayIsHalfOfTheSourceAndPoorReplayIsFarFromTheTruth) {
  auto const seen = observe({{"kind", "self-replay"}, {"weights", "rows"}}, "lgaa", true, true);
  auto const& rows = seen.risk.at("rows");
  ASSERT_EQ(rows.size(), 6U) << "two epochs of three events, the last epoch and the event's end are one";
  for (std::size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(rows[i].at("epoch"), i % 2) << i;
  EXPECT_EQ(rows[5].at("source").size(), 3U);
  EXPECT_EQ(rows[5].at("source").size(), rows[5].at("target").size());
  auto const& events = seen.risk.at("events");
  EXPECT_GT(events[1].at("discrepancy").get<double>(), events[0].at("discrepancy").get<double>() + 0.3)
      << "a few steps do not make a generator";
}

// Wrong: of a small set the source is mostly replay, which is not what a step is trained on.
TEST(Risk, OfFewImagesTheSourceIsMixedAsAStepIs) {
  auto const seen = observe({{"kind", "self-replay"}, {"weights", "rows"}}, "lgaa", true, false, kImages / 4);
  auto const& row = seen.risk.at("rows")[1];
  auto const fresh = row.at("source").at("toy-1").get<double>(), old = row.at("source").at("toy-0").get<double>();
  ASSERT_NE(fresh, old) << "these risks say nothing of the mixture";
  EXPECT_NEAR((row.at("source_risk").get<double>() - old) / (fresh - old), 0.5, 1e-9);
}

TEST(Risk, ChangesNothingInTheRun) {
  Json const strategy = {{"kind", "self-replay"}, {"weights", "rows"}};
  EXPECT_EQ(observe(strategy, "lgaa").training_hash, observe(strategy, "lgaa", false).training_hash);
}

TEST(Risk, RefusesWhatItCannotTellOf) {
  auto const message = [](Json const& strategy, std::string const& learner) {
    test::Rig rig(test::listed(strategy), RunRecipe::toy().train, learner);
    auto const stream = toy::stream(2);
    return message_of<ConfigError>(
        [&] { RiskObserver("risk.json", {}, stream, rig.trainer, RunRecipe::toy().train, 0); });
  };
  EXPECT_NE(message("er", "classifier").find("strategy 'er'"), std::string::npos);
  EXPECT_NE(message("naive", "vae").find("'vae' is measured by its"), std::string::npos);
  auto few = toy::stream(2);
  auto& task = std::get<Task>(few.events[1]);
  task.train = task.train.with(task.train.data(), at::full_like(task.train.labels(), -1));
  test::Rig rig(test::listed("naive"), RunRecipe::toy().train, "lgaa");
  EXPECT_NE(message_of<ConfigError>([&] {
              RiskObserver("risk.json", {}, few, rig.trainer, RunRecipe::toy().train, 0);
            }).find("label"),
            std::string::npos);
}

TEST(Risk, RefusesATaskWithoutTestSamples) {
  auto stream = toy::stream(2);
  auto& task = std::get<Task>(stream.events[1]);
  task.test = task.test.select(at::empty({0}, at::kLong));
  test::Rig rig(test::listed("naive"), RunRecipe::toy().train, "lgaa");
  EXPECT_NE(message_of<ConfigError>([&] {
              RiskObserver("risk.json", {}, stream, rig.trainer, RunRecipe::toy().train, 0);
            }).find("'toy-1' has no test samples"),
            std::string::npos);
}

// Wrong: a run ends in its second event because there is nothing to draw.
TEST(Risk, RefusesAnEventThatIsNotTrainedOn) {
  test::Rig rig(test::listed("naive"), RunRecipe::toy().train, "lgaa");
  auto const stream = toy::stream(2);
  auto train = RunRecipe::toy().train;
  auto const message = [&] {
    return message_of<ConfigError>([&] { RiskObserver("risk.json", {}, stream, rig.trainer, train, 0); });
  };
  train.epochs = 0;
  EXPECT_NE(message().find("train.epochs above 0"), std::string::npos);
  train.epochs_per_event = {1, 0};
  EXPECT_NE(message().find("train.epochs_per_event above 0"), std::string::npos);
  train.steps = 5;
  RiskObserver("risk.json", {}, stream, rig.trainer, train, 0);
}

// Wrong: whether the first event has a row depends on whether its training was this process's.
TEST(Risk, WithoutEpochsTheFirstEventHasARowUnderReplayToo) {
  auto const seen = observe({{"kind", "self-replay"}, {"weights", "rows"}}, "lgaa");
  ASSERT_EQ(seen.risk.at("rows").size(), 3U);
  EXPECT_EQ(seen.risk.at("rows")[0].at("source").size(), 1U);
}

// Wrong: where tasks come back the target has tasks that were not met yet.
TEST(Risk, OfTasksThatComeBackTheTargetIsOfThoseMetSoFar) {
  test::TemporaryFolder const folder;
  auto stream = tasks();
  stream.evaluated = {std::get<Task>(stream.events[0]), std::get<Task>(stream.events[1])};
  stream.events = {stream.events[0], stream.events[0], stream.events[1]};
  test::Rig rig(test::listed("naive"), RunRecipe::toy().train, "classifier", {});
  RiskObserver risk(folder.path() / "risk.json", {.samples = kImages, .steps = 20}, stream, rig.trainer,
                    RunRecipe::toy().train, 0);
  rig.trainer.attach(&risk);
  rig.trainer.run(stream);
  auto const rows = read_json(folder.path() / "risk.json").at("rows");
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].at("target").size(), 1U);
  EXPECT_EQ(rows[1].at("target").size(), 1U);
  EXPECT_EQ(rows[2].at("target").size(), 2U);
}

TEST(Risk, DiscrepancyIsTwoForSetsThatAreToldApartAndNothingForGuesses) {
  EXPECT_DOUBLE_EQ(discrepancy(0, 0), 2);
  EXPECT_DOUBLE_EQ(discrepancy(0.5, 0.5), 0);
  EXPECT_DOUBLE_EQ(discrepancy(0.9, 0.3), 0) << "worse than a guess is no distance";
  EXPECT_DOUBLE_EQ(discrepancy(0.25, 0.05), 2 * (1 - 2 * 0.15)) << "the errors' mean counts";
}

/// Attached after the training of the first event, as where arms share it.
TEST(Risk, OfAFirstEventThatWasTrainedElsewhereIsTheSame) {
  auto const rows = [](bool late) {
    test::TemporaryFolder const folder;
    Json const strategy = {{"kind", "self-replay"}, {"weights", "rows"}};
    auto list = test::listed(strategy);
    auto const stream = list.wrap(tasks());
    test::Rig rig(std::move(list), RunRecipe::toy().train, "lgaa", {});
    RiskObserver risk(folder.path() / "risk.json", {.samples = kImages, .steps = 20}, stream, rig.trainer,
                      RunRecipe::toy().train, 0);
    struct Keep final : Observer {
      explicit Keep(std::vector<Json>& all) : all_(all) {}
      void line(Json const& line) override { all_.push_back(line); }
      std::vector<Json>& all_;
    };
    std::vector<Json> lines;
    Keep keep(lines);
    if (late) {
      rig.trainer.attach(&keep);
    } else {
      rig.trainer.attach(&risk);
    }
    rig.trainer.test_on(std::get<Task>(stream.events[0]));
    rig.trainer.learn(std::get<Task>(stream.events[0]));
    if (late)
      for (auto const& line : lines)
        if (line.at("kind") == "evaluation") risk.line(line);
    return read_json(folder.path() / "risk.json");
  };
  EXPECT_EQ(rows(true), rows(false));
}

// Wrong: a sample of replay drawn from another model, or rows twice or lost, after a stop.
TEST(Risk, AStoppedRunWritesWhatAWholeOneDoes) {
  auto const plan = plan_experiment(parse_toml(R"(
data = "sample"
stream = { kind = "domain", with = [{ kind = "limit", samples = 300 }] }
learner = { kind = "lgaa", width = 0.01, latent = 2, domains = 2 }
strategy = { kind = "self-replay", weights = "rows" }
risk = { samples = 40, steps = 2 }
[train]
epochs = 2
batch = 100
log_every = 1
[evaluate]
every_epoch = true
)",
                                               "test.toml"));
  auto const unit = Unit{.shared = -1, .arm = "main", .seed = 0};
  auto const file = [](ExperimentRun const& run) { return read_json(run.folder() / "arms/main/seed-0/risk.json"); };
  test::TemporaryFolder const folder;
  auto whole = ExperimentRun::start(plan, folder.path(), "mneme run", {});
  whole.execute(unit, {});
  std::filesystem::path at;
  { at = ExperimentRun::start(plan, folder.path(), "mneme run", {}).folder(); }
  struct Sometimes final : Observer {
    int lines = 0;
    void line(Json const& line) override {
      if (line["kind"] == "step" && ++lines == 5) interrupt_signal() = 15;
    }
  };
  int stops = 0;
  for (bool done = false; !done;) {
    auto run = ExperimentRun::open(at, {});
    Sometimes observer;
    ExecuteOptions options;
    options.observers = {&observer};
    try {
      run.execute(unit, options);
      done = true;
    } catch (Stopped const&) {
      ++stops;
    }
    interrupt_signal() = 0;
  }
  EXPECT_GE(stops, 2);
  EXPECT_EQ(file(ExperimentRun::open(at, {})), file(whole));
  EXPECT_EQ(whole.summary().at("arms")[0].at("risk"), file(whole));
}

}  // namespace
}  // namespace mneme
