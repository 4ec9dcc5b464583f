// The data of stored runs: if these fail, a run goes on with other data than it was begun with, and its figures are of
// neither.
#include <gtest/gtest.h>

#include "mneme/core/errors.hpp"
#include "mneme/core/interrupt.hpp"
#include "mneme/core/toml.hpp"
#include "mneme/experiment/run.hpp"
#include "mneme/train/trainer.hpp"
#include "tests/io/support.hpp"

namespace mneme {
namespace {

namespace fs = std::filesystem;
using test::TemporaryFolder;

/// A table of eight rows in two classes; another `shift` is other data.
std::string rows(int shift) {
  std::string text = "x,y,label\n";
  for (int i = 0; i < 8; ++i)
    text += std::to_string(i + shift) + "," + std::to_string(i % 3) + (i % 2 == 0 ? ",even\n" : ",odd\n");
  return text;
}

/// An experiment on train.csv and test.csv of the folder.
std::string own(TemporaryFolder const& folder, std::string const& top = "") {
  folder.put("train.csv", rows(0));
  folder.put("test.csv", rows(1));
  auto const at = folder.path().string();
  return "name = \"own\"\n" + top + R"(
learner = { kind = "classifier", net = { kind = "mlp", hidden = [4] } }
stream = { kind = "domain", datasets = ["mine"] }
train = { epochs = 2, batch = 4, log_every = 1 }
[datasets.mine]
format = "csv"
train = ")" +
         at + "/train.csv\"\ntest = \"" + at + "/test.csv\"\n";
}

ExperimentPlan plan(std::string const& text) { return plan_experiment(parse_toml(text, "test.toml")); }

ExperimentRun start(ExperimentPlan const& plan, TemporaryFolder const& folder,
                    std::optional<BranchPoint> const& from = std::nullopt) {
  return ExperimentRun::start(plan, folder.path() / "runs", "mneme run", {}, from);
}

/// Asks to stop after the second step.
struct StopSoon final : Observer {
  void line(Json const& line) override {
    if (line["kind"] == "step" && line["step"] == 2) interrupt_signal() = 15;
  }
};

void execute_until_stopped(ExperimentRun& run, Unit const& unit) {
  StopSoon observer;
  ExecuteOptions options;
  options.observers = {&observer};
  EXPECT_THROW(run.execute(unit, options), Stopped);
  interrupt_signal() = 0;
}

void execute_wave(ExperimentRun& run, std::size_t wave) {
  auto const waves = run.waves();
  for (auto const& unit : waves.at(wave)) run.execute(unit, {});
}

// ----------------------------------------------------------------------------------------------------------- resuming

TEST(RunData, ThatChangedIsRefusedOnResuming) {
  for (auto const* split : {"train", "test"}) {
    TemporaryFolder const folder;
    fs::path at;
    {
      auto run = start(plan(own(folder)), folder);
      at = run.folder();
      execute_until_stopped(run, run.waves().at(1).front());
    }
    auto const arm = at / "arms/main/seed-0";
    auto const log = test::contents(arm / "metrics.jsonl");
    auto const good = test::contents(folder.path() / (split + std::string(".csv")));

    folder.put(split + std::string(".csv"), rows(9));
    {
      auto run = ExperimentRun::open(at, {});
      auto const message = message_of<DataError>([&] { execute_wave(run, 1); });
      test::expect_mentions(message, {"mine (" + std::string(split) + ")", "8 samples", "new run"});
    }
    EXPECT_EQ(test::contents(arm / "metrics.jsonl"), log) << "what was there is lost";
    EXPECT_EQ(Json::parse(test::contents(arm / "arm.json"))["status"], "stopped");

    folder.put(split + std::string(".csv"), good);
    auto run = ExperimentRun::open(at, {});
    execute_wave(run, 1);
    EXPECT_TRUE(run.finished(run.waves().at(1).front())) << "with the old files it does not go on";
  }
}

// Wrong: the arms' first task is of one file and everything after it of another.
TEST(RunData, ThatChangedAfterASharedPrefixIsRefused) {
  TemporaryFolder const folder;
  fs::path at;
  {
    auto run = start(plan(own(folder) + "[arm.naive]\n[arm.ewc]\nstrategy = \"ewc\"\n"), folder);
    ASSERT_EQ(run.plan().shared_prefixes, 1);
    at = run.folder();
    execute_wave(run, 0);
  }
  folder.put("train.csv", rows(9));
  auto run = ExperimentRun::open(at, {});
  EXPECT_THROW(execute_wave(run, 1), DataError);
}

// Wrong: an arm is refused its own, unchanged data because another arm reads other files under the same name.
TEST(RunData, OfAnotherArmIsNotTakenForAChange) {
  TemporaryFolder const folder;
  folder.put("other.csv", rows(5));
  auto const text = own(folder, "seeds = [0, 1]") + "[arm.a]\n[arm.b.datasets.mine]\ntrain = \"" +
                    (folder.path() / "other.csv").string() + "\"\n";
  Unit const stopped{-1, "a", 1};
  fs::path at;
  {
    auto run = start(plan(text), folder);
    at = run.folder();
    run.execute({-1, "a", 0}, {});
    run.execute({-1, "b", 0}, {});
    execute_until_stopped(run, stopped);
  }
  auto run = ExperimentRun::open(at, {});
  EXPECT_NO_THROW(run.execute(stopped, {}));
  EXPECT_TRUE(run.finished(stopped));
}

// ---------------------------------------------------------------------------------------------------------- branching

std::string sample(std::string const& data = "sample", std::string const& datasets = R"(["fashion-mnist", "mnist"])") {
  return "name = \"small\"\nlearner = \"classifier\"\ndata = \"" + data +
         "\"\nstream = { kind = \"domain\", datasets = " + datasets + " }\n";
}

TEST(RunData, OfABranchIsThatOfTheStoredRun) {
  TemporaryFolder const folder;
  auto const stored = start(plan(sample()), folder);
  auto const branch = [&](std::string const& text) {
    start(plan(text), folder, BranchPoint{.run = stored.folder(), .arm = "main", .checkpoint = "event-0"});
  };
  std::vector<std::pair<std::string, std::string>> const changed = {
      {"stream", sample("sample", R"(["mnist", "fashion-mnist"])")},
      {"stream", "name = \"s\"\nlearner = \"classifier\"\ndata = \"sample\"\nstream = \"split\"\n"},
      {"data", sample("full")},
      {"datasets", sample() + "[datasets.mnist]\nformat = \"csv\"\ntrain = \"a.csv\"\ntest = \"a.csv\"\n"},
      {"stream", sample() + "[arm.same]\n[arm.other]\nstream = { kind = \"domain\", datasets = [\"mnist\"] }\n"}};
  for (auto const& [key, text] : changed) {
    SCOPED_TRACE(text);
    test::expect_mentions(message_of<ConfigError>([&] { branch(text); }), {"`" + key + "`", "new run"});
  }
  for (auto const& run : fs::directory_iterator(folder.path() / "runs" / "small"))
    EXPECT_FALSE(fs::exists(run.path() / "arms")) << "something was made before it was refused";
  EXPECT_THROW(branch(sample() + "train = { epochs = 7 }\n"), CheckpointError)
      << "what may change is refused: there is merely no checkpoint";
}

// Wrong: a branch goes on from weights of one file with the tasks of another.
TEST(RunData, ThatChangedIsRefusedOnBranching) {
  TemporaryFolder const folder;
  auto const text = own(folder);
  auto stored = start(plan(text), folder);
  execute_wave(stored, 1);
  folder.put("train.csv", rows(9));
  EXPECT_THROW(start(plan(text), folder, BranchPoint{.run = stored.folder(), .arm = "main", .checkpoint = "event-0"}),
               DataError);
}

}  // namespace
}  // namespace mneme
