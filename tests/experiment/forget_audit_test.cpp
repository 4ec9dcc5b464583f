// The audit of Forget events: if these fail, a study of methods that forget compares figures of other samples or arms
// than it says, or looking at what is left changes the run.
#include "mneme/experiment/forget_audit.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/types.h>

#include <algorithm>
#include <fstream>

#include "mneme/data/numbers.hpp"
#include "mneme/io/json_file.hpp"
#include "tests/io/support.hpp"
#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

namespace fs = std::filesystem;

/// Four classes in one domain; class 1 is to be forgotten; a second domain.
Stream forgetful(std::int64_t train) {
  auto stream = toy::stream(2, train);
  stream.events.insert(stream.events.begin() + 1,
                       Request{.name = "class 1", .classes = {1}, .samples = {}, .tasks = {}});
  return stream;
}

TrainOptions quick() {
  auto options = RunRecipe::toy().train;
  options.epochs = 1;
  options.batch = 100;
  return options;
}

struct Audited {
  Json entry;
  std::string training_hash;
  double forget_accuracy = -1, forget_test_accuracy = -1, test_accuracy = -1;  // by the trainer, right after the event
};

/// Asks the trainer itself for what the audit reports.
class Asker final : public Observer {
 public:
  Asker(Trainer& trainer, Audited& audited) : trainer_(trainer), audited_(audited) {}
  void evaluated(EvaluationMatrix const& matrix, Learner&) override {
    if (matrix.rows.back().kind != "forget") return;
    auto const task = toy::task("toy-0", 0);
    auto const of = [&](Dataset const& data, bool forgotten) {
      auto const mask = forgotten ? data.labels().eq(1) : data.labels().ne(1);
      return trainer_.test(data.select(mask.nonzero().squeeze(1))).front();
    };
    audited_.forget_accuracy = of(task.train, true);
    audited_.forget_test_accuracy = of(task.test, true);
    audited_.test_accuracy = of(task.test, false);
  }

 private:
  Trainer& trainer_;
  Audited& audited_;
};

Audited run(Json const& strategy, bool audited, std::int64_t train = 40) {
  test::TemporaryFolder const scratch;
  auto const stream = forgetful(train);
  test::Rig rig(test::listed(strategy), quick());
  RunFiles files(scratch.path());
  ForgetAudit audit(files, stream, rig.trainer, quick(), 0);
  Audited outcome;
  Asker asker(rig.trainer, outcome);
  rig.trainer.attach(&files);
  if (audited) rig.trainer.attach(&audit);
  if (train == 40) rig.trainer.attach(&asker);
  rig.trainer.run(stream);
  outcome.training_hash = rig.trainer.training_hash();
  if (audited) outcome.entry = read_json(scratch.path() / "forget.json").at(0);
  return outcome;
}

TEST(ForgetAudit, ChangesNothingInTheRun) {
  Json const strategy = {{{"kind", "er"}}, {{"kind", "grad-diff"}}};
  EXPECT_EQ(run(strategy, true).training_hash, run(strategy, false).training_hash)
      << "relearning trained the run's own weights, or drew from its streams";
}

TEST(ForgetAudit, AccuraciesAreThoseOfItsParts) {
  auto const outcome = run({{"kind", "grad-diff"}, {"lr_scale", 0.3}}, true);
  EXPECT_NEAR(outcome.entry.at("forget_accuracy").get<double>(), outcome.forget_accuracy, 1e-9);
  EXPECT_NEAR(outcome.entry.at("forget_test_accuracy").get<double>(), outcome.forget_test_accuracy, 1e-9);
  EXPECT_NEAR(outcome.entry.at("test_accuracy").get<double>(), outcome.test_accuracy, 1e-9);
  EXPECT_GE(outcome.entry.at("forget_seconds").get<double>(), 0);
}

// Wrong: the attack tells forgotten samples of one class from unseen ones of all, and finds a difference of classes.
TEST(ForgetAudit, OfSingleSamplesTheUnseenOnesAreOfTheSameClass) {
  test::TemporaryFolder const scratch;
  auto stream = toy::stream(2, 40);
  auto const ones = std::get<Task>(stream.events[0]).train.labels().eq(1).nonzero().squeeze(1);
  auto const ids = numbers_of(ones.narrow(0, 0, 5));
  stream.events.insert(stream.events.begin() + 1, Request{.name = "five", .classes = {}, .samples = ids, .tasks = {}});
  test::Rig rig(test::listed({{"kind", "gradient-ascent"}, {"ceiling", 1e-9}}), quick());
  RunFiles files(scratch.path());
  ForgetAudit audit(files, stream, rig.trainer, quick(), 0);
  Audited by_hand;
  Asker asker(rig.trainer, by_hand);
  rig.trainer.attach(&files);
  rig.trainer.attach(&audit);
  rig.trainer.attach(&asker);
  rig.trainer.run(stream);
  auto const entry = read_json(scratch.path() / "forget.json").at(0);
  EXPECT_NEAR(entry.at("forget_test_accuracy").get<double>(), by_hand.forget_test_accuracy, 1e-9);
  EXPECT_NE(entry.at("forget_test_accuracy"), entry.at("test_accuracy")) << "this test would not see other classes";
}

// Wrong: of a strategy that answers by means the audit tells what the net's outputs would have said.
TEST(ForgetAudit, AsksTheStrategiesThatAnswer) {
  auto const audited = run({"icarl", {{"kind", "random-labels"}, {"lr_scale", 1e-6}}}, true);
  EXPECT_NEAR(audited.entry["forget_test_accuracy"].get<double>(), audited.forget_test_accuracy, 1e-9);
  EXPECT_NEAR(audited.entry["test_accuracy"].get<double>(), audited.test_accuracy, 1e-9);
  EXPECT_EQ(audited.forget_test_accuracy, 0) << "its exemplars are gone, though the net hardly moved";
}

TEST(ForgetAudit, LooksAtTheSameSamplesInEveryArm) {
  // Two methods that leave the weights as they are, over more samples than the audit looks at.
  auto const ascent = run({{"kind", "gradient-ascent"}, {"ceiling", 1e-9}}, true, 9000);
  auto const ssd = run({{"kind", "ssd"}, {"alpha", 1e9}, {"labels", "batch"}}, true, 9000);
  EXPECT_EQ(ascent.entry.at("answers"), ssd.entry.at("answers"));
  EXPECT_EQ(ascent.entry.at("membership"), ssd.entry.at("membership"));
  EXPECT_EQ(answer_distance(ascent.entry["answers"]["forget"], ssd.entry["answers"]["forget"]), 0);
}

TEST(ForgetAudit, WhatIsStillKnownNeedsNoRelearningAndWhatWasNeverSeenDoes) {
  auto const kept = run({{"kind", "gradient-ascent"}, {"ceiling", 1e-9}}, true, 9000).entry;
  EXPECT_GT(kept.at("forget_accuracy").get<double>(), 0.9);
  EXPECT_EQ(kept.at("relearn_steps"), 0);
  auto const gone = run({{"kind", "retrain"}}, true, 9000).entry;
  EXPECT_LT(gone.at("forget_accuracy").get<double>(), 0.1);
  EXPECT_GT(gone.at("relearn_steps").get<std::int64_t>(), 0);
}

// Wrong: nine of ten are known, by means, and the steps are counted that outputs take which are never asked.
TEST(ForgetAudit, OfANetThatDoesNotAnswerItselfNoRelearningIsTold) {
  for (auto const* name : {"icarl", "scr", "cope"}) {
    auto const entry = run({name, {{"kind", "gradient-ascent"}, {"ceiling", 1e-9}}}, true).entry;
    EXPECT_TRUE(entry.at("relearn_steps").is_null()) << name;
  }
  EXPECT_FALSE(run({"er", {{"kind", "gradient-ascent"}, {"ceiling", 1e-9}}}, true).entry.at("relearn_steps").is_null());
}

// Wrong: relearning stays at the start of a schedule for ever, so that every method seems to have forgotten for good.
TEST(ForgetAudit, RelearningKnowsNoSchedule) {
  test::TemporaryFolder const scratch;
  auto const steps_with = [&](std::string const& name, OptimizerOptions const& changed) {
    auto const stream = forgetful(9000);
    test::Rig rig(test::listed({{"kind", "retrain"}}), quick());
    RunFiles files(scratch.path() / name);
    auto relearn = quick();
    relearn.optimizer.schedule = changed.schedule;
    relearn.optimizer.warmup_steps = changed.warmup_steps;
    ForgetAudit audit(files, stream, rig.trainer, relearn, 0);
    rig.trainer.attach(&files);
    rig.trainer.attach(&audit);
    rig.trainer.run(stream);
    return read_json(scratch.path() / name / "forget.json").at(0).at("relearn_steps");
  };
  OptimizerOptions plain, warm;
  warm.schedule = "cosine";
  warm.warmup_steps = 50;
  auto const steps = steps_with("plain", plain);
  EXPECT_GT(steps, 0);
  EXPECT_EQ(steps_with("warm", warm), steps);
}

/// A run over a stream under `retrain`, audited.
struct Retrained {
  explicit Retrained(Stream const& stream) : files(scratch.path()), audit(files, stream, rig.trainer, quick(), 0) {
    rig.trainer.attach(&files);
    rig.trainer.attach(&audit);
    rig.trainer.run(stream);
  }
  [[nodiscard]] Json entry(std::size_t i) const { return read_json(scratch.path() / "forget.json").at(i); }

  test::TemporaryFolder scratch;
  test::Rig rig{test::listed({{"kind", "retrain"}}), quick()};
  RunFiles files;
  ForgetAudit audit;
};

// Wrong: answers are those of the first samples alone, all of the first task.
TEST(ForgetAudit, AnswersAreOfEveryTask) {
  auto stream = toy::stream(2, 40);
  for (auto& event : stream.events) {  // 600 test samples each, one set of answers for both
    auto& task = std::get<Task>(event);
    task.test = toy::images(task.name, 600, 3);
  }
  stream.events.emplace_back(Request{.name = "class 1", .classes = {1}, .samples = {}, .tasks = {}});
  Retrained const run(stream);
  auto const answers = run.entry(0).at("answers").at("test");
  ASSERT_EQ(answers.size(), 500U);
  test::Rig rig{test::listed({{"kind", "retrain"}}), quick()};
  rig.trainer.run(stream);
  auto const of_first = [&](Json const& row) {  // an answer of the first task's samples, to the digits kept
    auto const& data = std::get<Task>(stream.events[0]).test;
    auto noise = at::detail::createCPUGenerator(0);
    auto const logits = rig.learner->forward(Batch(data.slice(0, data.size()), data.labels()), {}, noise).logits;
    auto const p = at::softmax(logits, 1);
    auto const mine = at::tensor(row.get<std::vector<double>>()).to(at::kFloat);
    return (p - mine).abs().amax(1).min().item<double>() < 2e-5;
  };
  auto const count = std::count_if(answers.begin(), answers.end(), of_first);
  EXPECT_GT(count, 150);
  EXPECT_LT(count, 350) << "of 900 samples as many are of either task";
}

// Wrong: what an earlier request named counts as a rest that is still to be known.
TEST(ForgetAudit, WhatAnEarlierRequestNamedIsNoRest) {
  auto stream = toy::stream(1);
  for (std::int64_t const c : {1, 2})
    stream.events.push_back(Request{.name = "class " + std::to_string(c), .classes = {c}, .samples = {}, .tasks = {}});
  Retrained run(stream);
  auto const entry = run.entry(1);
  auto const test = toy::task("toy-0", 0).test;
  auto const rest = test.labels().eq(0).logical_or(test.labels().eq(3)).nonzero().squeeze(1);
  auto const forgotten = test.labels().eq(2).nonzero().squeeze(1);
  EXPECT_NEAR(entry.at("test_accuracy").get<double>(), run.rig.trainer.test(test.select(rest)).front(), 1e-9);
  EXPECT_NEAR(entry.at("forget_test_accuracy").get<double>(), run.rig.trainer.test(test.select(forgotten)).front(),
              1e-9);
  EXPECT_EQ(entry.at("answers").at("test").size(), static_cast<std::size_t>(rest.size(0)));
}

// Wrong: of a stream without boundaries the last task's tests alone are looked at, and the class that is to be
// forgotten has none among them.
TEST(ForgetAudit, OfAStreamWithoutBoundariesAllTestsCount) {
  auto stream = toy::stream(1);
  auto const whole = std::get<Task>(stream.events[0]).test;
  auto const with = [&](std::vector<std::int64_t> const& labels) {
    return whole.select(at::isin(whole.labels(), at::tensor(labels, at::kLong)).nonzero().squeeze(1));
  };
  stream.visibility.boundaries = false;
  std::get<Task>(stream.events[0]).test = with({2, 3});
  stream.events.push_back(Request{.name = "class 1", .classes = {1}, .samples = {}, .tasks = {}});
  auto column = std::get<Task>(stream.events[0]);
  for (auto const& [name, labels] :
       std::vector<std::pair<std::string, std::vector<std::int64_t>>>{{"a", {0}}, {"b", {2, 3}}, {"class 1", {1}}}) {
    column.name = name;
    column.test = with(labels);
    stream.evaluated.push_back(column);
  }
  Retrained run(stream);
  auto const entry = run.entry(0);
  EXPECT_NEAR(entry.at("forget_test_accuracy").get<double>(), run.rig.trainer.test(with({1})).front(), 1e-9);
  EXPECT_NEAR(entry.at("test_accuracy").get<double>(), run.rig.trainer.test(with({0, 2, 3})).front(), 1e-9);
}

// Wrong: the second request's unseen samples are of a class that the first one took, and look like a leak.
TEST(ForgetAudit, WhatAnEarlierRequestNamedIsNotForgottenAgain) {
  auto stream = toy::stream(2);
  stream.events.push_back(Request{.name = "class 1", .classes = {1}, .samples = {}, .tasks = {}});
  stream.events.push_back(Request{.name = "toy-0", .classes = {}, .samples = {}, .tasks = {"toy-0"}});
  Retrained run(stream);
  auto const entry = run.entry(1);
  auto const& test = std::get<Task>(stream.events[0]).test;
  auto const unseen = test.select(test.labels().ne(1).nonzero().squeeze(1));
  ASSERT_LT(unseen.size(), test.size());
  EXPECT_NEAR(entry.at("forget_test_accuracy").get<double>(), run.rig.trainer.test(unseen, 0).front(), 1e-9);
}

TEST(AnswerDistance, IsTheMeanTotalVariation) {
  auto const a = Json::parse("[[0.5, 0.5, 0], [1, 0, 0]]"), b = Json::parse("[[0.25, 0.5, 0.25], [0, 0.5, 0.5]]");
  EXPECT_DOUBLE_EQ(answer_distance(a, b).get<double>(), (0.25 + 1) / 2);
  EXPECT_DOUBLE_EQ(answer_distance(a, a).get<double>(), 0);
  EXPECT_TRUE(answer_distance(a, Json::parse("[[1, 0, 0]]")).is_null()) << "of other samples";
  EXPECT_TRUE(answer_distance(Json::array(), Json::array()).is_null());
}

TEST(CompareWithRetrained, GoesByEventPartAndSeed) {
  test::TemporaryFolder const run;
  auto const entry = [](double forget, double test, double seconds) {
    return Json{{"event", 1},
                {"forget_seconds", seconds},
                {"answers", {{"forget", {{forget, 1 - forget}}}, {"test", {{test, 1 - test}}}}}};
  };
  Json arms = Json::array();
  auto const add = [&](std::string const& arm, int seed, std::string const& kind, Json const& audit) {
    auto const folder = run.path() / "arms" / arm / ("seed-" + std::to_string(seed));
    fs::create_directories(folder);
    write_json(folder / "forget.json", Json::array({audit}));
    arms.push_back({{"arm", arm},
                    {"seed", seed},
                    {"strategy_options", Json::array({{{"kind", kind}}})},
                    {"unlearning", Json::array({{{"event", 1}}})}});
  };
  add("ssd", 0, "ssd", entry(0.5, 1, 3));
  add("anew", 0, "retrain", entry(0.25, 0.75, 12));
  add("ssd", 1, "ssd", entry(0.5, 1, 3));
  add("anew", 1, "retrain", entry(1, 0, 6));
  auto asked_otherwise = entry(0.5, 1, 3);
  asked_otherwise["request"] = "class 3";
  add("other", 0, "ssd", asked_otherwise);
  arms.back()["unlearning"][0]["request"] = "class 3";
  compare_with_retrained(arms, run.path());
  EXPECT_FALSE(arms.back()["unlearning"][0].contains("distance_to_retrained")) << "nobody was retrained for that";
  auto const of = [&](std::size_t arm) { return arms.at(arm).at("unlearning").at(0); };
  EXPECT_DOUBLE_EQ(of(0)["distance_to_retrained"]["forget"], 0.25);
  EXPECT_DOUBLE_EQ(of(0)["distance_to_retrained"]["test"], 0.25);
  EXPECT_DOUBLE_EQ(of(0)["time_to_retraining"], 0.25) << "its time over that of retraining";
  EXPECT_DOUBLE_EQ(of(2)["distance_to_retrained"]["forget"], 0.5) << "of the seed's own retrained arm";
  EXPECT_DOUBLE_EQ(of(2)["distance_to_retrained"]["test"], 1);
  EXPECT_DOUBLE_EQ(of(2)["time_to_retraining"], 0.5);
  EXPECT_DOUBLE_EQ(of(1)["time_to_retraining"], 1);
}

}  // namespace
}  // namespace mneme
