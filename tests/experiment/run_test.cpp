// Run folders: if these fail, arms that are said to start from the same weights do not, or a folder cannot be gone on
// with.
#include "mneme/experiment/run.hpp"

#include <gtest/gtest.h>

#include "mneme/core/errors.hpp"
#include "mneme/core/interrupt.hpp"
#include "mneme/core/toml.hpp"
#include "mneme/testing/recipe.hpp"
#include "mneme/train/trainer.hpp"
#include "tests/io/support.hpp"

namespace mneme {
namespace {

namespace fs = std::filesystem;

std::string const kBase = R"(
name = "small"
data = "sample"
[stream]
kind = "domain"
[learner]
kind = "classifier"
net = { kind = "mlp", hidden = [12] }
[train]
epochs = 1
batch = 256
log_every = 4
[evaluate]
every_steps = 8
curve_images = 50
)";
std::string const kArms = R"(
[arm.naive]
[arm.ewc]
strategy = { kind = "ewc", samples = 200 }
[arm.er]
strategy = { kind = "er", memory = 100 }
)";

ExperimentPlan plan(std::string const& text, std::vector<std::string> const& arms = {}) {
  auto plan = plan_experiment(parse_toml(text, "test.toml"));
  keep_arms(plan, arms);
  return plan;
}

void execute_all(ExperimentRun& run, ExecuteOptions const& options = {}) {
  for (auto const& wave : run.waves())
    for (auto const& unit : wave) run.execute(unit, options);
}

ExperimentRun run_all(ExperimentPlan const& plan, fs::path const& out) {
  auto run = ExperimentRun::start(plan, out, "mneme run", {});
  execute_all(run);
  return run;
}

Json arm_of(ExperimentRun const& run, std::string const& name, std::int64_t seed = 0) {
  auto const summary = run.summary();
  for (auto const& arm : summary["arms"])
    if (arm["arm"] == name && arm["seed"] == seed) return arm;
  ADD_FAILURE() << "no arm " << name;
  return {};
}

std::vector<std::string> metrics_of(ExperimentRun const& run, std::string const& arm) {
  std::vector<std::string> lines;
  std::ifstream log(run.folder() / "arms" / arm / "seed-0" / "metrics.jsonl");
  for (std::string line; std::getline(log, line);) lines.push_back(without_times(Json::parse(line)).dump());
  return lines;
}

void expect_equal(ExperimentRun const& one, std::string const& arm, ExperimentRun const& two) {
  auto const a = arm_of(one, arm), b = arm_of(two, arm);
  for (auto const* key : {"parameter_hash", "training_hash", "matrix", "rows", "steps", "forgetting", "status"})
    EXPECT_EQ(a[key], b[key]) << arm << " " << key;
  EXPECT_EQ(metrics_of(one, arm), metrics_of(two, arm)) << arm;
}

TEST(Run, ArmsThatShareAPrefixEqualTheSameArmAlone) {
  test::TemporaryFolder const folder;
  auto const together = run_all(plan(kBase + kArms), folder.path());
  ASSERT_EQ(together.plan().shared_prefixes, 1);
  for (auto const* arm : {"naive", "ewc", "er"}) {
    auto const alone = run_all(plan(kBase + kArms, {arm}), folder.path());
    ASSERT_EQ(alone.plan().shared_prefixes, 0);
    expect_equal(together, arm, alone);
  }
  EXPECT_NE(arm_of(together, "ewc")["parameter_hash"], arm_of(together, "naive")["parameter_hash"]);
  EXPECT_EQ(arm_of(together, "ewc")["matrix"][1], arm_of(together, "naive")["matrix"][1]);
}

// Wrong: a reader of summary.json sees where a run ended and not how it got there; or an event's end counts as one more
// epoch.
TEST(Run, SummaryHasEveryEpochThatWasMeasured) {
  test::TemporaryFolder const folder;
  EXPECT_FALSE(arm_of(run_all(plan(kBase), folder.path()), "main").contains("epochs"));
  auto text = kBase + "every_epoch = true\n" + kArms;
  text.replace(text.find("epochs = 1"), 10, "epochs = 2");
  auto const run = run_all(plan(text, {"naive", "er"}), folder.path());
  ASSERT_EQ(run.plan().shared_prefixes, 1);
  auto const arm = arm_of(run, "er");
  ASSERT_EQ(arm["epochs"].size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    auto const& row = arm["epochs"][i];
    EXPECT_EQ(row["event"], i / 2);
    EXPECT_EQ(row["epoch"], i % 2);
  }
  for (std::size_t event = 0; event < 2; ++event)
    for (std::size_t t = 0; t < 2; ++t)
      EXPECT_EQ(arm["epochs"][2 * event + 1]["values"][arm["tasks"][t].get<std::string>()],
                arm["matrix"][event + 1][t]);
}

// Wrong: a request that is met without a step takes the place of the last epoch before it.
TEST(Run, ARequestWithoutStepsIsNoEpoch) {
  test::TemporaryFolder const folder;
  auto const text = kBase +
                    "every_epoch = true\n[arm.ssd]\nstrategy = { kind = \"ssd\", labels = \"batch\" }\n"
                    "stream = { with = [{ kind = \"forget\", after = 0, classes = [1] }] }\n";
  auto const arm = arm_of(run_all(plan(text), folder.path()), "ssd");
  ASSERT_EQ(arm["epochs"].size(), 2U);
  EXPECT_EQ(arm["epochs"][0]["event"], 0);
  EXPECT_EQ(arm["epochs"][1]["event"], 2);
}

// Wrong: one arm's request is met in all, or what came before it is trained otherwise. Row 0 is of the shared part,
// which measures nothing apart; all others are the arm's own.
TEST(Run, ArmsWithOtherRequestsShareAPrefixAndEqualTheSameArmAlone) {
  test::TemporaryFolder const folder;
  std::string const requests = R"(
[arm.one]
strategy = "fine-tune-retained"
stream = { with = [{ kind = "forget", after = 0, classes = [1] }] }
[arm.two-three]
strategy = "fine-tune-retained"
stream = { with = [{ kind = "forget", classes = [2] }, { kind = "forget", classes = [3] }] }
)";
  auto const together = run_all(plan(kBase + requests), folder.path());
  ASSERT_EQ(together.plan().shared_prefixes, 1);
  for (auto const* name : {"one", "two-three"}) {
    auto const alone = run_all(plan(kBase + requests, {name}), folder.path());
    auto a = arm_of(together, name), b = arm_of(alone, name);
    for (auto const* key : {"parameter_hash", "training_hash", "rows", "tasks", "steps", "status"})
      EXPECT_EQ(a[key], b[key]) << name << " " << key;
    a["matrix"].erase(0);
    b["matrix"].erase(0);
    EXPECT_EQ(a["matrix"], b["matrix"]) << name;
  }
  EXPECT_NE(arm_of(together, "one")["parameter_hash"], arm_of(together, "two-three")["parameter_hash"]);
}

// Before its first task a growing head has no outputs: what is measured then must be readable from a checkpoint.
TEST(Run, ArmsOfAGrowingHeadShareAPrefixToo) {
  test::TemporaryFolder const folder;
  auto const run = run_all(plan(R"(
name = "growing"
data = "sample"
[stream]
kind = "split"
dataset = "mnist"
tasks = 5
scenario = "class"
[learner]
kind = "classifier"
head = "growing"
net = { kind = "mlp", hidden = [4] }
[train]
steps = 2
[arm.naive]
[arm.ewc]
strategy = { kind = "ewc", samples = 20 }
)"),
                           folder.path());
  ASSERT_EQ(run.plan().shared_prefixes, 1);
  for (auto const* arm : {"naive", "ewc"}) EXPECT_EQ(arm_of(run, arm)["status"], "finished") << arm;
}

/// A branch from the first event of `stored`, unless `from` says otherwise.
ExperimentRun branch_of(ExperimentPlan const& plan, ExperimentRun const& stored, test::TemporaryFolder const& folder,
                        std::optional<BranchPoint> from = std::nullopt) {
  if (!from) from = {.run = stored.folder(), .arm = "main", .checkpoint = "event-0"};
  return ExperimentRun::start(plan, folder.path(), "mneme branch", {}, from);
}

/// Run folders below it.
std::ptrdiff_t folder_count(test::TemporaryFolder const& folder) {
  return std::distance(fs::recursive_directory_iterator(folder.path()), {});
}

TEST(Run, BranchIntoAPlainStrategyEqualsItFromTheBeginning) {
  test::TemporaryFolder const folder;
  auto const naive = run_all(plan(kBase), folder.path());
  auto const whole = run_all(plan(kBase + kArms, {"ewc"}), folder.path());
  auto branch = branch_of(plan(kBase + kArms, {"ewc"}), naive, folder);
  execute_all(branch);
  expect_equal(branch, "ewc", whole);
}

TEST(Run, BranchIntoARecordingStrategyIsRefusedWithTheReason) {
  test::TemporaryFolder const folder;
  auto const naive = run_all(plan(kBase), folder.path());
  auto const made = folder_count(folder);
  auto const message = message_of<ConfigError>([&] { branch_of(plan(kBase + kArms, {"er"}), naive, folder); });
  test::expect_mentions(message, {"'er'", "records"});
  auto const ewc = plan(kBase + kArms, {"ewc"});
  EXPECT_THROW(
      branch_of(ewc, naive, folder, BranchPoint{.run = naive.folder(), .arm = "main", .checkpoint = "event-9"}),
      CheckpointError);
  EXPECT_THROW(
      branch_of(ewc, naive, folder, BranchPoint{.run = naive.folder(), .arm = "mian", .checkpoint = "event-0"}),
      ConfigError);
  EXPECT_EQ(folder_count(folder), made) << "something was made before it was refused";
}

TEST(Run, BranchAfterTheFirstEventIsRefusedWhereAStrategyHasMissedIt) {
  test::TemporaryFolder const folder;
  auto const naive = run_all(plan(kBase), folder.path());
  auto const message = message_of<ConfigError>([&] {
    branch_of(plan(kBase + kArms, {"ewc"}), naive, folder,
              BranchPoint{.run = naive.folder(), .arm = "main", .checkpoint = "final"});
  });
  test::expect_mentions(message, {"'ewc'", "event-0"});
}

// Wrong: a branch that was killed while it was laid out is resumed, and trains from the beginning without a word.
TEST(Run, ABranchThatIsNotLaidOutCompletelyIsNoRun) {
  test::TemporaryFolder const folder;
  auto const naive = run_all(plan(kBase), folder.path());
  auto const stored = naive.folder() / "arms/main/seed-0/metrics.jsonl";
  fs::remove(stored);
  fs::create_directories(stored / "a folder");  // cannot be copied as a file
  auto const made = folder_count(folder);
  EXPECT_THROW(branch_of(plan(kBase + kArms, {"ewc"}), naive, folder), std::exception);
  EXPECT_EQ(folder_count(folder), made) << "a part of a branch stayed, which could be resumed";
}

TEST(Run, BranchMayChangeTheOptimizerWhereTheNextEventBeginsWithANewOne) {
  test::TemporaryFolder const folder;
  auto const adam = run_all(plan(kBase), folder.path());
  auto const with_sgd = [&](std::string const& boundary) {
    auto branch = branch_of(
        plan(kBase + "[arm.sgd.train]\noptimizer = \"sgd\"\nmomentum = 0.9\nat_boundary = \"" + boundary + "\"\n"),
        adam, folder);
    execute_all(branch);
    return arm_of(branch, "sgd");
  };
  EXPECT_EQ(with_sgd("new")["status"], "finished");
  EXPECT_THROW(with_sgd("keep"), CheckpointError) << "SGD went on with Adam's first moment";
}

TEST(Run, StoppedAndOpenedAgainEndsTheSame) {
  test::TemporaryFolder const folder;
  auto const whole = run_all(plan(kBase + kArms), folder.path());
  fs::path at;
  {
    auto run = ExperimentRun::start(plan(kBase + kArms), folder.path(), "mneme run", {});
    at = run.folder();
    EXPECT_THROW(ExperimentRun::open(at, {}), ConfigError) << "two processes at one run folder";
  }
  struct ThirdLine final : Observer {  // asks each process to stop at its third line about steps
    int lines = 0;
    void line(Json const& line) override {
      if (line["kind"] == "step" && ++lines == 3) interrupt_signal() = 15;
    }
  };
  int stops = 0;
  for (bool done = false; !done;) {
    auto run = ExperimentRun::open(at, {});
    ThirdLine observer;
    ExecuteOptions options;
    options.observers = {&observer};
    try {
      execute_all(run, options);
      done = true;
    } catch (Stopped const&) {
      ++stops;
    }
    interrupt_signal() = 0;
  }
  EXPECT_EQ(stops, 5) << "4 units of 4 such lines";
  auto const resumed = ExperimentRun::open(at, {});
  for (auto const* arm : {"naive", "ewc", "er"}) expect_equal(resumed, arm, whole);
  EXPECT_EQ(resumed.summary()["arms"].size(), 3U);
}

TEST(Run, SummaryKeepsItsContract) {
  test::TemporaryFolder const folder;
  auto const run = run_all(plan("seeds = [0, 3]\n" + kBase), folder.path());
  run.write_summary("finished");
  auto const summary = Json::parse(test::contents(run.folder() / "summary.json"));
  EXPECT_EQ(summary["format"], 1);
  EXPECT_EQ(summary["status"], "finished");
  EXPECT_EQ(summary["data"]["kind"], "sample");
  EXPECT_EQ(summary["data"]["sets"].size(), 4U);
  EXPECT_EQ(summary["arms"].size(), 2U);
  auto const& arm = summary["arms"][1];
  EXPECT_EQ(arm["seed"], 3);
  EXPECT_EQ(arm["tasks"], (Json{"fashion-mnist", "mnist"}));
  EXPECT_EQ(arm["matrix"].size(), 3U);
  EXPECT_EQ(arm["metric"], "accuracy");
  EXPECT_EQ(arm["parameters"], 784 * 12 + 12 + 12 * 10 + 10);
  EXPECT_EQ(arm["steps"], 2 * 16);
  EXPECT_EQ(arm["loss_parts"], Json::object());
  double parts = 0;
  for (auto const& [name, seconds] : arm["wall_seconds"].items())
    if (name != "total") parts += seconds.get<double>();
  EXPECT_NEAR(parts, arm["wall_seconds"]["total"].get<double>(), 1e-6);
  EXPECT_NE(arm["parameter_hash"], summary["arms"][0]["parameter_hash"]);
  auto const matrix = EvaluationMatrix::from_csv(test::contents(run.folder() / "arms/main/seed-3/matrix.csv"), true);
  EXPECT_EQ(matrix, EvaluationMatrix::from_json(arm));
  for (auto const* file : {"config.toml", "environment.json"}) EXPECT_TRUE(fs::exists(run.folder() / file)) << file;
}

TEST(Run, IsNotDoneTwice) {
  test::TemporaryFolder const folder;
  auto run = run_all(plan(kBase), folder.path());
  int units = 0;
  ExecuteOptions options;
  options.on_unit = [&](Unit const&) { ++units; };
  execute_all(run, options);
  EXPECT_EQ(units, 0);
}

TEST(Run, ConfigRunsAgainToTheSameBits) {
  test::TemporaryFolder const folder;
  auto const first = run_all(plan(kBase + kArms, {"ewc"}), folder.path());
  auto const again = run_all(plan_experiment(read_toml(first.folder() / "config.toml")), folder.path());
  expect_equal(first, "ewc", again);
}

TEST(Run, LoadsAnArmsLearnerFromItsCheckpoint) {
  test::TemporaryFolder const folder;
  auto const run = run_all(plan(kBase), folder.path());
  DataLibrary library{DataSearch{}};
  auto const loaded = load_arm(run.folder(), "main", 0, "", library, false);
  EXPECT_EQ(Json(loaded.trainer->parameter_hash()), arm_of(run, "main")["parameter_hash"]);
  auto const before = load_arm(run.folder(), "main", 0, "event-0", library, false);
  EXPECT_NE(before.trainer->parameter_hash(), loaded.trainer->parameter_hash());
  EXPECT_THROW(static_cast<void>(load_arm(run.folder(), "main", 7, "", library, false)), CheckpointError);
}

// A method that trains when it is asked (GDumb) must be asked in the same way when its run is a file.
TEST(Run, ALoadedLearnerHasHadItsReview) {
  test::TemporaryFolder const folder;
  auto const run = run_all(plan(kBase + "[strategy]\nkind = \"gdumb\"\nmemory = 400\nepochs = 200\n"), folder.path());
  auto const arm = arm_of(run, "main");
  DataLibrary library{DataSearch{}};
  auto const loaded = load_arm(run.folder(), "main", 0, "", library, false);
  std::size_t column = 0;
  for (auto const* task : loaded.stream.tested()) {
    auto const accuracy = loaded.trainer->test(task->test, task->id).front();
    EXPECT_EQ(accuracy, arm["matrix"].back()[column++].get<double>()) << task->name;
    if (column == 1) {  // its memory is full of the first data set, whose labels the second has too
      EXPECT_GT(accuracy, 0.3) << "no better than a net that was never trained";
    }
  }
}

TEST(Run, LeavesPicturesOfAGenerativeLearner) {
  test::TemporaryFolder const folder;
  auto const run = run_all(plan(R"(
name = "vae"
data = "sample"
[stream]
kind = "domain"
datasets = ["mnist"]
[learner]
kind = "vae"
hidden = 16
latent = 2
[train]
batch = 512
)"),
                           folder.path());
  auto const samples = run.folder() / "arms/main/seed-0/samples";
  std::ifstream index(samples / "index.jsonl");
  int pictures = 0;
  for (std::string line; std::getline(index, line); ++pictures) {
    auto const picture = Json::parse(line);
    EXPECT_TRUE(fs::exists(samples / picture["file"].get<std::string>())) << picture;
    EXPECT_FALSE(picture["caption"].get<std::string>().empty());
  }
  EXPECT_EQ(pictures, 4) << "reconstructions and prior samples, before and after";
  auto const arm = arm_of(run, "main");
  EXPECT_EQ(arm["metric"], "negative_elbo");
  EXPECT_EQ(arm["loss_parts"]["mnist"]["kl"].size(), 2U);
}

TEST(Run, SaysWhatCannotBeOpened) {
  test::TemporaryFolder const folder;
  EXPECT_THROW(ExperimentRun::open(folder.path(), {}), DataError);
  folder.put("file", "");
  EXPECT_THROW(ExperimentRun::start(plan(kBase), folder.path() / "file", "mneme run", {}), IoError);
}

}  // namespace
}  // namespace mneme
