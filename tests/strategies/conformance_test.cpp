// Conformance over the whole registry: a new row needs no new test here. If it fails, the sentence says how the
// strategy breaks a promise that resumption, shared prefixes or comparisons rest on.
#include "mneme/testing/conformance.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <map>
#include <utility>

#include "mneme/core/errors.hpp"
#include "mneme/core/text.hpp"
#include "mneme/learners/classifier.hpp"
#include "mneme/testing/toy.hpp"
#include "tests/io/support.hpp"

namespace mneme {
namespace {

/// The row's setting for toy data, with some options changed.
Json setting(StrategyRow const& row, Json const& changes = Json::object()) {
  Json options = row.toy;
  options["kind"] = row.info.name;
  options.update(changes);
  return options;
}
Json setting(std::string const& name) { return setting(find_row(strategy_table(), "strategy", name)); }

/// On the stream, and with the net, that the strategy is for.
RunRecipe recipe_of(Json const& config, Needs const& needs, std::string const& learner = "classifier",
                    Json const& net = Json()) {
  auto recipe = RunRecipe::toy(learner);
  if (!net.is_null() && learner == "classifier")
    recipe.learner = [net](std::uint64_t seed) { return toy::learner("classifier", {{"net", net}}, seed); };
  if (needs.task_at_test) recipe.stream = toy::split_stream(true);
  if (needs.forgets)
    recipe.stream.events.insert(recipe.stream.events.begin() + 1,
                                Request{.name = "class 1", .classes = {1}, .samples = {}, .tasks = {}});
  recipe.strategies = [config](std::uint64_t seed) { return StrategyList(config, "strategy", seed); };
  return recipe;
}

std::vector<std::string> check(RunRecipe const& recipe) {
  test::TemporaryFolder const scratch;
  return check_conformance(recipe, scratch.path());
}

std::string trained(RunRecipe const& recipe) {
  test::TemporaryFolder const scratch;
  return run_whole(recipe, 1, scratch.path()).training_hash;
}

bool works_with(StrategyRow const& row, std::string const& learner) {
  auto const& kinds = row.needs.learners;
  return kinds.empty() || std::find(kinds.begin(), kinds.end(), learner) != kinds.end();
}

class EveryStrategy : public ::testing::TestWithParam<std::string> {
 protected:
  StrategyRow const& row() const { return find_row(strategy_table(), "strategy", GetParam()); }
  RunRecipe of_row(Json const& config) const { return recipe_of(config, row().needs, "classifier", row().toy_net); }
};

TEST_P(EveryStrategy, KeepsThePromises) {
  for (auto const& learner : learner_table()) {
    if (!works_with(row(), learner.info.name)) continue;
    auto const found = check(recipe_of(setting(row()), row().needs, learner.info.name, row().toy_net));
    EXPECT_TRUE(found.empty()) << GetParam() << " with " << learner.info.name << ":\n" << join(found, "\n");
  }
}

TEST_P(EveryStrategy, IsNaiveWhereItsRowSaysSoAndNowhereElse) {
  if (!works_with(row(), "classifier")) GTEST_SKIP() << "not for classifiers";
  auto needs = row().needs;
  needs.forgets = false;  // naive has no way to
  auto const naive = trained(recipe_of({{"kind", "naive"}}, needs, "classifier", row().toy_net));
  if (GetParam() != "naive") {
    EXPECT_NE(trained(of_row(setting(row()))), naive) << "it does nothing";
  }
  if (row().as_naive.is_null()) {
    EXPECT_FALSE(row().never_naive.empty()) << "the row must say why no setting is naive";
    std::printf("%s is never naive: %s\n", GetParam().c_str(), row().never_naive.c_str());
    return;
  }
  EXPECT_EQ(trained(of_row(setting(row(), row().as_naive))), naive);
}

TEST_P(EveryStrategy, KeepsTheBytesThatItsFormulaSays) {
  if (!works_with(row(), "classifier") || row().wrap != nullptr) GTEST_SKIP() << "nothing to keep";
  auto const options = complete_options(row().info.options(), setting(row()), "strategy", {"kind"});
  auto const recipe = of_row(options);
  auto const learner = recipe.learner(1);
  Trainer trainer(*learner, recipe.strategies(1), recipe.train, recipe.evaluation, 1);
  trainer.run(recipe.stream);
  Archive archive;
  trainer.strategies().members().front().strategy->state(archive);
  std::int64_t kept = 0;
  for (auto const& [name, tensor] : archive.tensors()) kept += static_cast<std::int64_t>(tensor.nbytes());
  MemoryShape const shape{.parameters = learner->parameters().size(),
                          .sample_bytes = toy::kSide * toy::kSide,
                          .classes = toy::kClasses,
                          .features = 8,
                          .tasks = 2};
  EXPECT_EQ(kept, row().bytes ? row().bytes(options, shape) : 0) << "formula: " << row().memory;
}

/// A classifier whose net normalises by the batch, sees random views, and has outputs that no task names.
std::unique_ptr<Learner> normalised_learner(std::uint64_t seed) {
  auto init = at::detail::createCPUGenerator(seed);
  LearnerShape const shape{{1, toy::kSide, toy::kSide}, toy::kClasses + 2, at::kCPU};
  Json const options = {{"net", {{"kind", "mlp"}, {"hidden", {8}}, {"batch_norm", "hidden"}}},
                        {"head", "growing"},
                        {"crop", 1},
                        {"flip", true}};
  return find_row(learner_table(), "learner", "classifier").make(shape, options, "learner", init);
}

// Wrong: a promise holds for the plain net alone: views are drawn where nothing is trained, statistics of the batch are
// not in the state, or an output that no task has named ends the run.
TEST_P(EveryStrategy, KeepsThePromisesWithNormalisationViewsAndSpareOutputs) {
  if (!works_with(row(), "classifier")) GTEST_SKIP() << "not for classifiers";
  if (!row().toy_net.is_null()) GTEST_SKIP() << "has nets of its own";
  auto recipe = of_row(setting(row()));
  auto const requests = recipe.stream.events;
  recipe.stream = toy::split_stream(row().needs.task_at_test);
  if (row().needs.forgets) recipe.stream.events.insert(recipe.stream.events.begin() + 1, requests[1]);
  recipe.learner = normalised_learner;
  try {
    auto const found = check(recipe);
    EXPECT_TRUE(found.empty()) << join(found, "\n");
  } catch (ConfigError const& e) {
    test::expect_mentions(e.what(), {"strategy '" + GetParam() + "'"});
  }
}

std::string test_name(::testing::TestParamInfo<std::string> const& info) {
  std::string name = info.param;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
}
INSTANTIATE_TEST_SUITE_P(Registry, EveryStrategy, ::testing::ValuesIn(names_of(strategy_table())), test_name);

// Wrong: a strategy keeps its promises alone, and breaks them where another one replays and writes to the gradient.
TEST_P(EveryStrategy, KeepsThePromisesBesideErOrSaysWhyNot) {
  if (!works_with(row(), "classifier")) GTEST_SKIP() << "not for classifiers";
  auto const other = setting(GetParam() == "er" ? "ewc" : "er");
  try {
    auto const found = check(recipe_of({setting(row()), other}, row().needs, "classifier", row().toy_net));
    EXPECT_TRUE(found.empty()) << join(found, "\n");
  } catch (ConfigError const& e) {
    std::string const message = e.what();
    test::expect_mentions(message, {"'" + GetParam() + "'"});
    EXPECT_TRUE(message.find("together: ") + 1 || message.find("with no other strategy: ") + 1) << message;
  }
}

// Wrong: an optimizer step of its own is not what a resumed run makes, or reads what the stream hides.
TEST(Conformance, OfAStepOfItsOwn) {
  auto const found = check(recipe_of({{"kind", "fdr"}, {"memory", 20}, {"own_step", true}}, {.boundaries = true}));
  EXPECT_TRUE(found.empty()) << join(found, "\n");
  for (auto const* other : {"gem", "a-gem", "si", "rwalk"})
    test::expect_mentions(
        message_of<ConfigError>([&] {
          check(recipe_of({{{"kind", "fdr"}, {"own_step", true}}, setting(other)}, {.boundaries = true}));
        }),
        {"'fdr'", std::string("'") + other + "'", "own_step"});
}

/// A net that counts its training passes, the only ones in which batch normalisation moves its statistics. Copies of
/// it count with it.
class Counting final : public Net {
 public:
  Counting(std::unique_ptr<Net> net, std::int64_t& passes) : net_(std::move(net)), passes_(passes) {}
  Output forward(at::Tensor const& x, ForwardContext const& context) override {
    if (context.training) ++passes_;
    return net_->forward(x, context);
  }
  void initialise(at::Generator& generator) override { net_->initialise(generator); }

 private:
  std::unique_ptr<Net> net_;
  std::int64_t& passes_;
};

struct Counted {
  std::int64_t passes = 0, steps = 0;
};

/// The run with its net counted.
Counted count_passes(RunRecipe const& recipe, Json const& toy_net) {
  Counted counted;
  auto const make = [&](ParameterArena& arena) -> std::unique_ptr<Net> {
    Json net = toy_net.is_null() ? Json{{"kind", "mlp"}, {"hidden", {8}}} : toy_net;
    auto const& row = find_row(net_table(), "net", net.at("kind").get<std::string>());
    net.erase("kind");
    auto inner = row.make(arena, {{1, toy::kSide, toy::kSide}, toy::kClasses}, net, "learner.net");
    return std::make_unique<Counting>(std::move(inner), counted.passes);
  };
  auto init = at::detail::createCPUGenerator(1);
  Classifier learner(make, at::kCPU, &init);
  Trainer trainer(learner, recipe.strategies(1), recipe.train, recipe.evaluation, 1);
  trainer.run(trainer.strategies().wrap(recipe.stream));
  counted.steps = trainer.steps();
  return counted;
}

// Wrong: importance, a teacher, a score or a pass over a memory moves the running statistics of batch normalisation.
TEST_P(EveryStrategy, TrainsThePassOfAStepAndNoOther) {
  if (!works_with(row(), "classifier")) GTEST_SKIP() << "not for classifiers";
  auto const& net = row().toy_net;
  if (!net.is_null() && net.at("kind") == "progressive") GTEST_SKIP() << "nets of columns have no such statistics";
  if (GetParam() == "gdumb") GTEST_SKIP() << "what is tested is trained when it is tested, in no step of the run";
  // Draws that are trained on in passes of their own, as in the authors' code; in the second task's ten steps.
  std::map<std::string, std::int64_t> const own_draws = {{"der", 1}, {"der++", 2}, {"fdr", 1}};
  auto const own = own_draws.find(GetParam());
  auto recipe = of_row(setting(row()));
  recipe.evaluation.every_epoch = true;
  auto const counted = count_passes(recipe, net);
  EXPECT_GT(counted.passes, 0);
  EXPECT_LE(counted.passes, counted.steps + (own == own_draws.end() ? 0 : 10 * own->second));
}

/// Breaks every promise that it can.
class Liar final : public Strategy {
 public:
  at::Tensor predict(Output const& output, Batch const&) override {
    return output.logits - output.logits.mean(0, true);  // of the batch
  }
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
                                "needs() does not ask for", "other scores in batches of 1"});
}

}  // namespace
}  // namespace mneme
