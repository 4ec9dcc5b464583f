// Lists of strategies: if these fail, a combination that makes no sense runs, or one that makes sense is refused.
#include "mneme/strategies/list.hpp"

#include <gtest/gtest.h>

#include "tests/io/support.hpp"
#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

using test::listed;
using test::Scripted;

std::string refusal(StrategyList const& list, std::string const& learner = "classifier", Visibility visibility = {}) {
  auto const toy = toy::learner(learner);
  return message_of<ConfigError>([&] { list.check(*toy, visibility); });
}

StrategyList pair_of(Needs const& needs) {
  StrategyList list;
  for (auto const* key : {"one", "two"}) {
    auto strategy = std::make_unique<Scripted>();
    strategy->declared = needs;
    list.add(key, std::move(strategy), 0);
  }
  return list;
}

TEST(StrategyList, RefusesUnknownNamesWithTheNearest) {
  auto const message = message_of<ConfigError>([] { static_cast<void>(listed("ewcc")); });
  EXPECT_NE(message.find("did you mean 'ewc'"), std::string::npos) << message;
  EXPECT_NE(message.find("naive"), std::string::npos) << message;
  EXPECT_THROW(listed(3), ConfigError);
  EXPECT_THROW(listed(Json::array()), ConfigError);
  EXPECT_THROW(listed({{"lambda", 3}}), ConfigError);
}

TEST(StrategyList, RefusesJointInCompanyAndAnythingTwice) {
  auto const message = message_of<ConfigError>([] { static_cast<void>(listed({"joint", "er"})); });
  EXPECT_NE(message.find("'joint'"), std::string::npos) << message;
  EXPECT_THROW(listed({"er", "joint"}), ConfigError);
  EXPECT_THROW(listed({"er", "replay"}), ConfigError) << "an alias is the same strategy";
}

TEST(StrategyList, RefusesTwoOfWhatThereCanBeOneOf) {
  for (auto const& needs : {Needs{.replaces_objective = true}, Needs{.projects = true}, Needs{.stages = true}}) {
    auto const message = refusal(pair_of(needs));
    EXPECT_NE(message.find("'one' and 'two'"), std::string::npos) << message;
  }
  EXPECT_NO_THROW(pair_of({}).check(*toy::learner(), {}));
}

TEST(StrategyList, RefusesWhatTheLearnerOrTheStreamDoesNotGive) {
  auto const needing = [](Needs const& needs) {
    auto strategy = std::make_unique<Scripted>();
    strategy->declared = needs;
    return test::only(std::move(strategy));
  };
  EXPECT_NE(refusal(needing({.learners = {"classifier"}}), "vae").find("'vae'"), std::string::npos);
  EXPECT_NE(refusal(needing({.task_at_test = true})).find("at test"), std::string::npos);
  EXPECT_NE(refusal(needing({.task_at_training = true}), "classifier", {.task_at_training = false}).find("at training"),
            std::string::npos);
  EXPECT_NE(refusal(listed("ewc"), "classifier", {.boundaries = false}).find("boundaries"), std::string::npos);
}

// Wrong: a list that undoes itself runs, and nobody learns why its figures are bad.
TEST(StrategyList, RefusesPairsThatMakeNoSenseByNameAndReason) {
  auto const learner = toy::learner();
  Visibility const all = {.task_at_training = true, .task_at_test = true, .boundaries = true};
  auto const refusal = [&](Json const& names) {
    return message_of<ConfigError>([&] { test::listed(names).check(*learner, all); });
  };
  test::expect_mentions(refusal({"hat", "from-scratch"}), {"hat", "from-scratch", "draws", "anew"});
  test::expect_mentions(refusal({"rwalk", "hat"}), {"rwalk", "hat", "embeddings"});
  test::expect_mentions(refusal({"frozen-backbone", "xdg"}), {"frozen-backbone", "xdg", "no longer trains"});
  EXPECT_NO_THROW(test::listed({"hat", "er"}).check(*learner, all));
}

TEST(StrategyList, IsCheckedBeforeTasksArePushedOneByOne) {
  auto strategy = std::make_unique<Scripted>();
  strategy->declared.learners = {"vae"};
  test::Rig rig(test::only(std::move(strategy)));
  EXPECT_THROW(rig.trainer.learn(toy::task("toy-0", 0)), ConfigError);
}

TEST(StrategyList, RecordersOfSeveralArmsMayWatchOnePrefixTogether) {
  StrategyList shared;
  for (auto const* arm : {"a:", "b:"}) {
    auto strategy = std::make_unique<Scripted>();
    strategy->declared = {.projects = true, .prefix = Prefix::kWatches};
    shared.absorb(arm, test::only(std::move(strategy), "gem"));
  }
  EXPECT_EQ(shared.members()[1].key, "b:gem");
  EXPECT_NO_THROW(shared.check(*toy::learner(), {})) << "they never run in one arm";
}

TEST(StrategyList, SaysWhatItIs) {
  EXPECT_EQ(StrategyList().describe(), "naive");
  EXPECT_EQ(listed({"er", {{"kind", "ewc"}, {"lambda", 5}}}).describe(), "[ewc(lambda=5), er]");
  EXPECT_EQ(listed("naive").prefix(), Prefix::kPlain);
  EXPECT_EQ(listed({"ewc", "er"}).prefix(), Prefix::kWatches);
  EXPECT_EQ(listed("joint").prefix(), Prefix::kChanges);
  EXPECT_EQ(listed("joint").wrap(toy::stream(3)).events.size(), 1U);
}

TEST(StrategyList, MembersDrawDifferentNumbersFromStreamsOfOneName) {
  auto list = pair_of({});
  auto& members = list.members();
  auto const draw = [](RandomStreams& streams) { return at::randperm(100, streams.get("buffer"), at::kLong); };
  auto const first = draw(members[0].streams), second = draw(members[1].streams);
  EXPECT_FALSE(at::equal(first, second)) << "two buffers of a list would keep the same samples";
  EXPECT_TRUE(at::equal(first, draw(pair_of({}).members()[0].streams))) << "the same seed, other numbers";
}

TEST(StrategyTable, RowsSayWhatTheirStrategySays) {
  for (auto const& row : strategy_table()) {
    SCOPED_TRACE(row.info.name);
    auto const needs = row.make(Json::object(), "strategy")->needs();
    if (row.wrap == nullptr) {
      EXPECT_EQ(row.needs.prefix, needs.prefix);
      EXPECT_EQ(row.needs.boundaries, needs.boundaries);
      EXPECT_EQ(row.needs.projects, needs.projects);
      EXPECT_EQ(row.needs.stages, needs.stages);
      EXPECT_EQ(row.needs.replaces_objective, needs.replaces_objective);
    }
    EXPECT_FALSE(row.info.summary.empty());
    EXPECT_NE(row.info.options, nullptr);
  }
}

}  // namespace
}  // namespace mneme
