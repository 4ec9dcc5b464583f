// Judging: if these fail, a run says that a class is forgotten, or kept, which is not.
#include "mneme/experiment/judging.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "mneme/core/errors.hpp"
#include "mneme/io/json_file.hpp"
#include "mneme/stream/making.hpp"
#include "mneme/testing/recipe.hpp"
#include "mneme/testing/toy.hpp"
#include "tests/io/support.hpp"

namespace mneme {
namespace {

TEST(Judge, VerdictIsTheMeansThatItsNamesSay) {
  auto const x = at::tensor({0.0F, 0.25F, 1.0F, 0.5F}).view({2, 1, 1, 2});
  auto const p = at::tensor({0.75F, 0.25F, 0.0F, 0.25F, 0.25F, 0.5F}).view({2, 3});
  auto const v = verdict_of(x, p, 1);
  EXPECT_DOUBLE_EQ(v.probability, 0.25);
  EXPECT_EQ(v.accuracy, 0);
  EXPECT_DOUBLE_EQ(verdict_of(x, p, 0).accuracy, 0.5);
  EXPECT_DOUBLE_EQ(v.gray, (0.5 + 0.25 + 0.5 + 0) / 4);
  double const first = -0.75 * std::log(0.75) - 0.25 * std::log(0.25);  // and 0 log 0 is 0
  double const second = -0.5 * std::log(0.25) - 0.5 * std::log(0.5);
  EXPECT_NEAR(v.entropy, (first + second) / 2, 1e-6);
}

Json row(std::int64_t event, std::string const& kind, std::vector<double> const& accuracy, double probability) {
  Json classes = Json::array();
  for (auto const a : accuracy)
    classes.push_back({{"accuracy", a}, {"probability", probability}, {"entropy", 2 * a}, {"gray", a / 2}});
  return {{"event", event}, {"kind", kind}, {"classes", classes}};
}

/// Of the rows that a judge wrote in a run of these events.
Json summary_of(Json const& rows, std::vector<Event> events, Json const& judge = {{"hash", "abc"}}) {
  Stream stream;
  stream.events = std::move(events);
  return judgement_summary({{"judge", judge}, {"rows", rows}}, stream);
}
Event learn(std::vector<std::int64_t> classes) {
  Task task;
  task.name = "task of " + std::to_string(classes.front());
  task.classes = std::move(classes);
  return task;
}
Event forget(std::vector<std::int64_t> classes) {
  return Request{
      .name = "class " + std::to_string(classes.front()), .classes = std::move(classes), .samples = {}, .tasks = {}};
}

// Wrong: the fall measured from before training, or from the row before the last of several requests; forgotten classes
// among the retained ones.
TEST(Judge, SummaryComparesTheLastRowWithTheOneBeforeTheFirstRequest) {
  Json const rows = {row(-1, "initial", {0.1, 0.1, 0.1, 0.1}, 0.1), row(0, "learn", {0.9, 1.0, 0.8, 0.7}, 0.9),
                     row(1, "forget", {0.9, 0.2, 0.2, 0.7}, 0.5), row(2, "forget", {0.5, 0.0, 0.9, 0.1}, 0.25)};
  auto const s = summary_of(rows, {learn({0, 1, 2, 3}), forget({1}), forget({3})});
  EXPECT_EQ(s["judge"]["hash"], "abc");
  EXPECT_DOUBLE_EQ(s["forgotten_probability"], 0.25);
  EXPECT_DOUBLE_EQ(s["forgotten_accuracy"], 0.05);
  EXPECT_DOUBLE_EQ(s["forgotten_entropy"], 0.1);
  EXPECT_DOUBLE_EQ(s["forgotten_gray"], 0.025);
  EXPECT_NEAR(s["retained_accuracy_drop"].get<double>(), ((0.9 - 0.5) + (0.8 - 0.9)) / 2, 1e-12);
  EXPECT_NEAR(s["largest_retained_accuracy_drop"].get<double>(), 0.4, 1e-12);
}

TEST(Judge, SummaryOfWhatWasNotJudgedBeforeSaysNothingOfAFall) {
  auto const s = summary_of(Json::array({row(1, "forget", {0.5, 0.1}, 0.25)}), {learn({0, 1}), forget({1})});
  EXPECT_DOUBLE_EQ(s["forgotten_accuracy"], 0.1);
  EXPECT_FALSE(s.contains("retained_accuracy_drop"));
}

// Wrong: a class that was not learnt yet is said to be drawn better since, or an attack on a class that is asked for
// later counts.
TEST(Judge, SummaryLeavesOutWhatWasNotLearntAndWhatWasNotAskedForYet) {
  auto rows = Json::array({row(0, "learn", {0.9, 0.8, 0.1}, 0.9), row(1, "forget", {0.5, 0.1, 0.9}, 0.25)});
  rows[1]["attacks"] = Json::array();
  for (int const label : {1, 2})
    rows[1]["attacks"].push_back(
        {{"attack", "prototype"}, {"class", label}, {"probability", 0.1 * label}, {"accuracy", 0.5}, {"images", 6}});
  auto const s = summary_of(rows, {learn({0, 1}), forget({1}), learn({2}), forget({2})});
  EXPECT_NEAR(s["retained_accuracy_drop"].get<double>(), 0.4, 1e-12);
  EXPECT_NEAR(s["recovered"]["prototype"]["probability"].get<double>(), 0.1, 1e-12);
}

// Wrong: the attacks' figures added up over classes, or one attack's taken for the other's.
TEST(Judge, SummaryHasTheMeansOfWhatEachAttackBroughtBack) {
  auto rows = Json::array({row(0, "learn", {0.9, 0.9}, 0.9), row(1, "forget", {0.5, 0.1}, 0.25)});
  auto const attack = [](char const* name, int label, double p, double a) {
    return Json{{"attack", name}, {"class", label}, {"probability", p}, {"accuracy", a}, {"images", 6}};
  };
  rows[0]["attacks"] = {attack("prototype", 0, 1, 1)};
  rows[1]["attacks"] = {attack("prototype", 0, 0.25, 0.5), attack("classifier", 0, 0.75, 1),
                        attack("prototype", 1, 0.75, 0), attack("classifier", 1, 0.25, 1)};
  rows[1]["quality"] = {{"coverage", 0.5}};
  auto const s = summary_of(rows, {learn({0, 1}), forget({0, 1})});
  EXPECT_EQ(s["recovered"], (Json{{"classifier", {{"accuracy", 1.0}, {"probability", 0.5}}},
                                  {"prototype", {{"accuracy", 0.25}, {"probability", 0.5}}}}));
  EXPECT_EQ(s["quality"]["coverage"], 0.5);
}

// Wrong: what a request cost is measured from before an earlier one, with all that was learnt in between in it; or a
// class that was learnt in between was known when it was not.
TEST(Judge, SummaryOfASecondRequestBeginsWhereItWasPut) {
  Json const rows = {row(0, "learn", {0.9, 0.8, 0.1}, 0.9), row(1, "forget", {0.8, 0.0, 0.1}, 0.5),
                     row(2, "learn", {0.6, 0.0, 0.7}, 0.5), row(3, "forget", {0.5, 0.0, 0.2}, 0.25)};
  auto const s = summary_of(rows, {learn({0, 1}), forget({1}), learn({2}), forget({2})});
  EXPECT_NEAR(s["retained_accuracy_drop"].get<double>(), 0.1, 1e-12);
  EXPECT_DOUBLE_EQ(s["forgotten_before"]["accuracy"], (0.8 + 0.7) / 2) << "of each, when it was last known";
  EXPECT_DOUBLE_EQ(s["forgotten_accuracy"], (0.0 + 0.2) / 2);
}

// Wrong: a class that draws plain gray seems to be drawn still, because the judge takes gray for it.
TEST(Judge, SummarySaysWhatTheJudgeTakesGrayFor) {
  Stream stream;
  stream.events = {learn({0, 1, 2}), forget({1, 2})};
  Json const rows = {row(0, "learn", {0.9, 0.8, 0.7}, 0.9), row(1, "forget", {0.8, 1.0, 0.0}, 0.5)};
  Json const blank = {{"gray", {0.125, 0.75, 0.25}}, {"noise", {0.5, 0.25, 0.25}}};
  auto const s = judgement_summary({{"judge", {}}, {"rows", rows}, {"blank", blank}}, stream);
  EXPECT_DOUBLE_EQ(s["forgotten_blank"]["gray"], 0.5);
  EXPECT_DOUBLE_EQ(s["forgotten_blank"]["noise"], 0.25);
}

TEST(Judge, SummaryOfARunWithoutRequestsIsTheJudgeAlone) {
  Json const rows = {row(0, "learn", {0.9}, 0.9)};
  auto const s = summary_of(rows, {learn({0})});
  EXPECT_FALSE(s.contains("forgotten_probability"));
  EXPECT_TRUE(s.contains("judge"));
}

// Wrong: a domain is judged by another's judge, on another's images.
TEST(Judge, EveryDomainOfAStreamOfDataSetsHasAJudgeOfItsOwn) {
  auto stream = toy::stream(2);
  std::vector<std::string> asked;
  auto const find = [&](std::string const& dataset) {
    asked.push_back(dataset);
    return std::shared_ptr<Judge>();
  };
  auto const lgaa = toy::learner("lgaa");
  static_cast<void>(judged_parts(*lgaa, stream, find));
  EXPECT_EQ(asked, (std::vector<std::string>{"", ""})) << "its tasks are no data sets: the experiment's own judge";
  asked.clear();
  stream.name = "domain";
  auto const parts = judged_parts(*lgaa, stream, find);
  EXPECT_EQ(asked, (std::vector<std::string>{"toy-0", "toy-1"}));
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[1].name, "toy-1");
  EXPECT_EQ(parts[1].id, 1);
  EXPECT_EQ(parts[1].tests.size(), 1U);
  EXPECT_EQ(parts[1].train.size(), 40);
  asked.clear();
  auto const cvae = toy::learner("cvae");
  auto const whole = judged_parts(*cvae, stream, find);
  EXPECT_EQ(asked, (std::vector<std::string>{""}));
  ASSERT_EQ(whole.size(), 1U);
  EXPECT_EQ(whole[0].tests.size(), 2U) << "a conditional model is judged as a whole";
}

// Wrong: a model of clothes is judged by the classifier of digits.
TEST(Judge, AConditionalModelOfOneDataSetIsJudgedByThatSetsJudge) {
  auto stream = toy::stream(1);
  stream.name = "domain";
  std::vector<std::string> asked;
  static_cast<void>(judged_parts(*toy::learner("cvae"), stream, [&](std::string const& dataset) {
    asked.push_back(dataset);
    return std::shared_ptr<Judge>();
  }));
  EXPECT_EQ(asked, (std::vector<std::string>{"toy-0"}));
}

/// A judge that was never trained, of classes with these names.
std::shared_ptr<Judge> toy_judge(std::vector<std::string> const& names) {
  LoadedArm arm;
  arm.learner = toy::learner("classifier");
  arm.stream = toy::stream(1);
  auto& test = std::get<Task>(arm.stream.events.front()).test;
  test = relabelled(test, test.labels(), names);
  JudgeOptions options;
  options.samples = 12;
  return std::make_shared<Judge>(std::move(arm), Json::object(), options);
}

// Wrong: a model is asked for a class of an old task as for one of the newest, and seems to have forgotten it.
TEST(Judge, AsksForAClassAsInATestOfItsTask) {
  test::TemporaryFolder const folder;
  auto const learner = toy::learner("progressive-cvae");
  Trainer trainer(*learner, StrategyList("pnn", "strategy", 0), RunRecipe::toy().train, {}, 0);
  auto const stream = toy::split_stream(true);
  auto const find = [](std::string const&) { return toy_judge({}); };
  JudgeObserver judge(folder.path() / "judge.json", judged_parts(*learner, stream, find), trainer.strategies(), stream,
                      0);
  trainer.attach(&judge);
  trainer.run(stream);
  auto const rows = read_json(folder.path() / "judge.json").at("rows");
  ASSERT_GE(rows.size(), 2U);
  auto const& before = rows[rows.size() - 2].at("classes");
  auto const& after = rows.back().at("classes");
  for (std::size_t c = 0; c < 4; ++c)
    for (auto const* figure : {"probability", "gray", "negative_elbo"})
      EXPECT_EQ(before[c].at(figure) == after[c].at(figure), c < 2) << figure << " of class " << c;
}

/// judge.json of a run of two epochs an event that is measured after each of them.
Json judged_by_epochs(std::string const& kind, Json const& strategy, Stream const& stream) {
  test::TemporaryFolder const folder;
  auto const learner = toy::learner(kind);
  auto train = RunRecipe::toy().train;
  train.epochs = 2;
  EvaluationOptions evaluation;
  evaluation.every_epoch = true;
  Trainer trainer(*learner, StrategyList(strategy, "strategy", 0), train, evaluation, 0);
  auto const find = [](std::string const&) { return toy_judge({}); };
  JudgeObserver judge(folder.path() / "judge.json", judged_parts(*learner, stream, find), trainer.strategies(), stream,
                      0);
  trainer.attach(&judge);
  trainer.run(stream);
  return read_json(folder.path() / "judge.json");
}

// Wrong: an epoch has figures of another one, or they are of the last event alone; or what is replayed is judged as it
// was drawn before it was spoilt.
TEST(Judge, OfDomainsSpeaksAfterEveryEpochAndOfWhatIsReplayed) {
  auto const judged = [](double damage) {
    return judged_by_epochs("lgaa", {{"kind", "self-replay"}, {"damage", damage}}, toy::stream(2));
  };
  auto const sound = judged(0), spoilt = judged(2);
  auto const& epochs = sound.at("epochs");
  ASSERT_EQ(epochs.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(epochs[i].at("event"), i / 2);
    EXPECT_EQ(epochs[i].at("epoch"), i % 2);
    EXPECT_EQ(epochs[i].at("domains").size(), i / 2 + 1) << "of every domain that was met";
  }
  // The last epoch of an event and its end are one place.
  for (std::size_t event = 0; event < 2; ++event)
    for (auto const& domain : sound.at("rows")[event + 1].at("domains")) {
      auto const& last = epochs[2 * event + 1].at("domains").at(domain.at("domain").get<std::string>());
      EXPECT_EQ(last.at("accuracy"), domain.at("accuracy"));
      for (auto const* key : {"frechet_distance", "frechet_reconstructed"})
        EXPECT_EQ(last.at(key), domain.at("quality").at(key)) << key;
    }
  EXPECT_FALSE(sound.at("rows")[0].contains("replayed")) << "before training";
  EXPECT_EQ(sound.at("rows")[1].at("replayed").size(), 1U);
  EXPECT_EQ(sound.at("rows")[2].at("replayed").size(), 2U);
  auto const of = [](Json const& all) { return all.at("rows")[1].at("replayed").at("toy-0").at("frechet_distance"); };
  EXPECT_NE(of(sound), of(spoilt));
  auto const summary = judgement_summary(sound, toy::stream(2));
  EXPECT_EQ(summary.at("replayed"), sound.at("rows")[1].at("replayed")) << "in the last event";
  EXPECT_EQ(sound.at("rows")[1].at("domains"), spoilt.at("rows")[1].at("domains")) << "the model itself is untouched";
}

// Wrong: how quality grows with the epochs cannot be seen of a conditional model, or it is that of another epoch.
TEST(Judge, OfAConditionalModelSpeaksAfterEveryEpoch) {
  auto const stream = toy::stream(1);
  auto const kept = judged_by_epochs("cvae", "naive", stream);
  auto const& epochs = kept.at("epochs");
  ASSERT_EQ(epochs.size(), 2U);
  EXPECT_NE(epochs[0].at("classes"), epochs[1].at("classes"));
  for (auto const* picture : {"gray", "noise"}) {
    double sum = 0;
    for (auto const& p : kept.at("blank").at(picture)) sum += p.get<double>();
    EXPECT_NEAR(sum, 1, 1e-5) << "probabilities of the classes that the judge gives a picture of " << picture;
  }
  EXPECT_EQ(epochs[1].at("classes"), kept.at("rows").back().at("classes")) << "the last epoch and the event's end";
  auto const drawn = drawn_by_task(epochs[1], stream), at_end = drawn_by_task(kept.at("rows").back(), stream);
  for (auto const* key : {"accuracy", "frechet_distance"})
    EXPECT_EQ(drawn.at("toy-0").at(key), at_end.at("toy-0").at(key)) << key;
}

// Wrong: clothes are judged as digits, and every figure is that of another class.
TEST(Judge, ThatKnowsOtherClassesIsRefused) {
  test::TemporaryFolder const folder;
  auto const learner = toy::learner("cvae");
  StrategyList strategies("naive", "strategy", 0);
  auto stream = toy::stream(1);
  auto& test = std::get<Task>(stream.events.front()).test;
  test = relabelled(test, test.labels(), {"set: a", "set: b", "set: c", "set: d"});
  auto const judged_by = [&](std::vector<std::string> const& names) {
    auto const find = [&](std::string const&) { return toy_judge(names); };
    JudgeObserver const judge(folder.path() / "judge.json", judged_parts(*learner, stream, find), strategies, stream,
                              0);
  };
  judged_by({"a", "b", "c", "d"});
  judged_by({"a", "b", "c", "d", "one more"});
  judged_by({});
  try {
    judged_by({"a", "b", "x", "d"});
    FAIL() << "accepted";
  } catch (ConfigError const& error) {
    EXPECT_NE(std::string(error.what()).find("knows class 2 as 'x', but the model draws 'set: c'"), std::string::npos)
        << error.what();
  }
}

// Wrong: a run that was stopped before its second request, or learnt on after it, counts classes nobody has asked for
// yet, or says nothing of those that were.
TEST(Judge, SummaryGoesByTheRequestsUpToTheLastRow) {
  auto stream = toy::split_stream(false);
  stream.events.insert(stream.events.begin() + 1,
                       Request{.name = "class 1", .classes = {1}, .samples = {}, .tasks = {}});
  stream.events.push_back(Request{.name = "class 2", .classes = {2}, .samples = {}, .tasks = {}});
  EXPECT_EQ(forgotten_classes(stream, 0), (std::vector<std::int64_t>{}));
  EXPECT_EQ(forgotten_classes(stream, 2), (std::vector<std::int64_t>{1}));
  EXPECT_EQ(forgotten_classes(stream), (std::vector<std::int64_t>{1, 2}));
  Json const rows = {row(0, "learn", {0.9, 1.0}, 0.9), row(1, "forget", {0.85, 0.2}, 0.5),
                     row(2, "learn", {0.8, 0.3}, 0.25)};
  auto const s = judgement_summary({{"judge", {}}, {"rows", rows}}, stream);
  EXPECT_DOUBLE_EQ(s["forgotten_accuracy"], 0.3);
  EXPECT_NEAR(s["retained_accuracy_drop"].get<double>(), 0.05, 1e-12) << "by the request, not by what was learnt since";
}

// Wrong: a second request in a branch, judged by another judge than the first, has no figure of what it cost.
TEST(Judge, OfABranchThatBeganAfterARequestBeforeIsItsBeginning) {
  Json const rows = {row(1, "forget", {0.9, 0.2, 0.1}, 0.5), row(2, "forget", {0.6, 0.1, 0.1}, 0.25)};
  auto const s = summary_of(rows, {learn({0, 1, 2}), forget({2}), forget({1})});
  EXPECT_NEAR(s["retained_accuracy_drop"].get<double>(), 0.3, 1e-12);
  EXPECT_FALSE(s.contains("forgotten_before"))
      << "of class 2 none was judged, and a mean over one is not that over both";
}

TEST(Judge, SummaryHasTheLastRowOfEachDomain) {
  Json const rows = {{{"kind", "learn"}, {"domains", {{{"domain", "a"}, {"accuracy", 0.5}}}}},
                     {{"kind", "learn"},
                      {"domains",
                       {{{"domain", "a"}, {"accuracy", 0.25}, {"quality", {{"coverage", 0.75}}}},
                        {{"domain", "b"}, {"accuracy", 1.0}}}}}};
  auto const s = summary_of(rows, {learn({0})}, {{"a", 1}});
  EXPECT_EQ(s["drawn"], (Json{{"a", {{"coverage", 0.75}, {"accuracy", 0.25}}}, {"b", {{"accuracy", 1.0}}}}));
}

}  // namespace
}  // namespace mneme
