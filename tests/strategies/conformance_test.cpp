// Conformance over the whole registry: a new row needs no new test here. If it fails, the sentence says how the
// strategy breaks a promise that resumption, shared prefixes or comparisons rest on.
#include "mneme/testing/conformance.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "mneme/core/errors.hpp"
#include "mneme/core/text.hpp"
#include "tests/io/support.hpp"

namespace mneme {
namespace {

/// A fast setting of each strategy: the defaults but for what toy data cannot give.
Json setting(std::string const& name) {
  Json options = {{"kind", name}};
  if (name == "ewc") options["samples"] = 20;
  if (name == "er") options["memory"] = 12;
  return options;
}

std::vector<std::string> check(Json const& config, std::string const& learner) {
  auto recipe = RunRecipe::toy(learner);
  recipe.strategies = [config](std::uint64_t seed) { return StrategyList(config, "strategy", seed); };
  test::TemporaryFolder const scratch;
  return check_conformance(recipe, scratch.path());
}

TEST(Conformance, EveryStrategyOfTheRegistry) {
  for (auto const& row : strategy_table())
    for (auto const& learner : learner_table()) {
      auto const& kinds = row.needs.learners;
      if (!kinds.empty() && std::find(kinds.begin(), kinds.end(), learner.info.name) == kinds.end()) continue;
      auto const found = check(setting(row.info.name), learner.info.name);
      EXPECT_TRUE(found.empty()) << row.info.name << " with " << learner.info.name << ":\n" << join(found, "\n");
    }
}

TEST(Conformance, OfAListOfStrategies) {
  auto const found = check({setting("er"), setting("ewc")}, "classifier");
  EXPECT_TRUE(found.empty()) << join(found, "\n");
}

/// Breaks every promise that it can.
class Liar final : public Strategy {
 public:
  void after_step(StepContext& context) override {
    ++steps_;  // not in state()
    static_cast<void>(context.task_id());
  }
  void add_gradient(StepContext& context) override { context.parameters().grad().mul_(1.0 / (1 + steps_)); }
  std::vector<Stage> before_evaluation(EventContext& context) override {
    context.parameters().value().mul_(0.99);
    static bool said = false;
    if (!std::exchange(said, true)) std::puts("evaluating");
    return {};
  }

 private:
  int steps_ = 0;
};

TEST(Conformance, FindsWhatAStrategyDoesWrong) {
  auto recipe = RunRecipe::toy();
  recipe.strategies = [](std::uint64_t seed) { return StrategyList("liar", std::make_unique<Liar>(), seed); };
  test::TemporaryFolder const scratch;
  auto const found = join(check_conformance(recipe, scratch.path()), "\n");
  test::expect_mentions(found, {"printed", "state() misses a field", "Prefix::kChanges", "evaluating during training",
                                "needs() does not ask for"});
}

}  // namespace
}  // namespace mneme
