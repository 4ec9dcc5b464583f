// Learning: does each strategy do what it is for? The claims stand in its row of the table; here they are measured on
// split MNIST of the embedded sample. If one fails, the method runs but does not work (or an expected failure does not
// happen, which is as suspicious: EWC that solves class-incremental learning is a leak).
//
// MNEME_SCIENCE_SEEDS: seeds of each claim, 2 if it is not set.
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "mneme/eval/metrics.hpp"
#include "mneme/experiment/run.hpp"
#include "mneme/strategies/strategy.hpp"
#include "mneme/train/trainer.hpp"

namespace mneme {
namespace {

int seeds() {
  char const* const text = std::getenv("MNEME_SCIENCE_SEEDS");
  return text ? std::max(2, std::atoi(text)) : 2;
}

/// Five tasks of two digits, 150 steps of 32 each, or 600 where the task is known: after 150 naive has lost too little
/// there. A run takes a second or two.
Json protocol(std::string const& scenario, Json const& strategy, Json const& learner) {
  return {{"data", "sample"},
          {"stream", {{"kind", "split"}, {"dataset", "mnist"}, {"tasks", 5}, {"scenario", scenario}}},
          {"learner", learner},
          {"train", {{"steps", scenario == "task" ? 600 : 150}, {"batch", 32}}},
          {"strategy", strategy}};
}

/// Average accuracy in per cent after the last task, for each seed.
std::vector<double> accuracies(Json const& tree) {
  auto const plan = plan_experiment(tree);
  std::vector<double> values;
  for (int seed = 0; seed < seeds(); ++seed) {
    DataLibrary library;
    auto arm = build_arm(plan.arms.front().tree, "arm", seed, library);
    arm.trainer->run(arm.stream);
    values.push_back(100 * average(arm.trainer->matrix()).value());
  }
  return values;
}

/// The learner that a row is made for, two hidden layers of 100.
Json learner_for(StrategyRow const& row) {
  auto const& kinds = row.needs.learners;
  if (!kinds.empty() && kinds.front() != "classifier")
    return {{"kind", kinds.front()}, {"hidden", 100}, {"layers", 2}, {"latent", 20}};
  Json net = row.toy_net.is_null() ? Json{{"kind", "mlp"}} : row.toy_net;
  net["hidden"] = {100, 100};
  return {{"kind", "classifier"}, {"net", net}};
}

Spread naive(std::string const& scenario, Json const& learner) {
  static std::map<std::string, Spread> known;
  auto const key = scenario + learner.dump();
  if (!known.contains(key)) known[key] = spread(accuracies(protocol(scenario, "naive", learner)));
  return known[key];
}

class Learning : public ::testing::TestWithParam<std::string> {};

TEST_P(Learning, DoesWhatItsRowClaims) {
  auto const& row = find_row(strategy_table(), "strategy", GetParam());
  for (auto const& claim : row.claims) {
    Json strategy = claim.options;
    strategy["kind"] = row.info.name;
    auto const learner = learner_for(row);
    auto const ours = spread(accuracies(protocol(claim.scenario, strategy, learner)));
    auto const plain = naive(claim.scenario, learner);
    auto const gain = ours.mean - plain.mean;
    auto const error = std::sqrt((ours.deviation * ours.deviation + plain.deviation * plain.deviation) / ours.n);
    std::printf("%s, %s-incremental: %.1f, naive %.1f, gain %.1f +- %.1f (claimed %s %.1f)\n", row.info.name.c_str(),
                claim.scenario.c_str(), ours.mean, plain.mean, gain, error, claim.fails ? "below" : "at least",
                claim.margin);
    if (claim.fails) {
      EXPECT_LT(gain, claim.margin) << claim.scenario;
    } else {
      EXPECT_GE(gain, std::max(claim.margin, 3 * error)) << claim.scenario;
    }
  }
}

std::vector<std::string> with_claims() {
  std::vector<std::string> names;
  for (auto const& row : strategy_table())
    if (!row.claims.empty()) names.push_back(row.info.name);
  return names;
}

std::string test_name(::testing::TestParamInfo<std::string> const& info) {
  std::string name = info.param;
  for (auto& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  return name;
}
INSTANTIATE_TEST_SUITE_P(Registry, Learning, ::testing::ValuesIn(with_claims()), test_name);

TEST(LearningClaims, EveryStrategyButTheReferencesHasOne) {
  for (auto const& row : strategy_table()) {
    if (row.info.name == "naive" || row.info.name == "from-scratch") continue;
    // Claims are accuracies: those of generative models are losses (experiments/vae-mitigation.toml), and what forgets
    // on request has no share in them.
    auto const& kinds = row.needs.learners;
    if (row.needs.forgets || (!kinds.empty() && kinds.front().ends_with("vae"))) continue;
    EXPECT_FALSE(row.claims.empty()) << row.info.name;
  }
}

}  // namespace
}  // namespace mneme
