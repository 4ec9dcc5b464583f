// Resumption: if these fail, a run that was stopped, or that died, ends with other numbers than one that was not.
#include <gtest/gtest.h>

#include "mneme/core/interrupt.hpp"
#include "mneme/testing/toy.hpp"
#include "tests/io/support.hpp"
#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

using test::Scripted;

/// Interrupts the run at each step from `first` on (every `stride`-th), in both ways, and compares with the undisturbed
/// one.
void expect_same_from_everywhere(RunRecipe const& recipe, std::int64_t stride = 1, std::int64_t first = 1) {
  test::TemporaryFolder const folder;
  auto const whole = run_whole(recipe, 3, folder.path() / "whole");
  ASSERT_GT(whole.steps, 0);
  for (std::int64_t step = first; step <= whole.steps; step += stride)
    for (auto const kind : {Interruption::kAsked, Interruption::kCrash}) {
      auto const own = folder.path() / (std::to_string(step) + (kind == Interruption::kAsked ? "-asked" : "-crash"));
      // Asked: only the checkpoint of the stop. Crash: one after every step, the last of which it goes on from.
      auto const found = run_interrupted(recipe, 3, own, step, kind, kind == Interruption::kAsked ? 1e9 : 0);
      EXPECT_EQ(found.parameter_hash, whole.parameter_hash) << own;
      EXPECT_EQ(found.training_hash, whole.training_hash) << own;
      EXPECT_EQ(found.matrix, whole.matrix) << own;
      EXPECT_EQ(found.lines, whole.lines) << own;
    }
}

RunRecipe with(Json const& strategy, std::string const& learner = "classifier") {
  auto recipe = RunRecipe::toy(learner);
  recipe.strategies = [strategy](std::uint64_t seed) { return StrategyList(strategy, "strategy", seed); };
  return recipe;
}

TEST(Resume, InTheMiddleOfAnyEpochIsBitExact) {
  expect_same_from_everywhere(with({{{"kind", "ewc"}, {"samples", 10}}, {{"kind", "er"}, {"memory", 12}}}));
}

TEST(Resume, InTheMiddleOfARequestToForgetIsBitExact) {
  int methods = 0;
  for (auto const& row : strategy_table()) {
    if (!row.needs.forgets) continue;
    ++methods;
    SCOPED_TRACE(row.info.name);
    Json method = row.toy.is_null() ? Json::object() : row.toy;
    method["kind"] = row.info.name;
    auto const& kinds = row.needs.learners;
    bool const classifies = kinds.empty() || std::ranges::find(kinds, "classifier") != kinds.end();
    auto recipe = classifies ? with({{{"kind", "er"}, {"memory", 12}}, method}) : with(method, kinds.front());
    recipe.stream.events.insert(recipe.stream.events.begin() + 1,
                                Request{.name = "class 1", .classes = {1}, .samples = {}, .tasks = {}});
    expect_same_from_everywhere(recipe, 3, 11);  // the first task takes ten steps
  }
  EXPECT_EQ(methods, 10);
}

TEST(Resume, KeepsTheNoiseOfAVae) { expect_same_from_everywhere(with("naive", "vae"), 4); }

TEST(Resume, KeepsCurvesClippingAndAKeptOptimizer) {
  auto recipe = with("er");
  recipe.evaluation = {.every_steps = 3, .curve_images = 10, .every_epoch = true};
  recipe.train.at_boundary = "keep";
  recipe.train.clip_norm = 0.5;
  recipe.train.log_every = 1;
  recipe.train.optimizer.schedule = "cosine";
  recipe.train.optimizer.warmup_steps = 3;
  expect_same_from_everywhere(recipe, 3);
}

TEST(Resume, AStopWhileACurveIsReviewedLosesNoStep) {
  test::TemporaryFolder const folder;
  auto recipe = with("naive");
  recipe.evaluation = {.every_steps = 3, .curve_images = 10};
  auto const learner = recipe.learner(3);
  auto s = std::make_unique<Scripted>();
  Trainer* running = nullptr;
  s->on_before_evaluation = [&](EventContext&) -> std::vector<Stage> {
    if (running->steps() == 3) interrupt_signal() = 15;
    return {{.name = "review", .data = toy::images("toy-0", 16), .epochs = 1}};
  };
  Trainer trainer(*learner, test::only(std::move(s)), recipe.train, recipe.evaluation, 3);
  running = &trainer;
  RunFiles files(folder.path() / "run", 1e9);
  trainer.attach(&files);
  EXPECT_THROW(trainer.run(recipe.stream), Stopped);
  interrupt_signal() = 0;
  EXPECT_EQ(files.checkpoints.find("").filename(), "step-3") << "the steps since the last checkpoint were lost";
}

TEST(Resume, KeepsWhatTheMeanOfTheLossIsMadeOf) {
  test::TemporaryFolder const folder;
  auto recipe = with("naive");
  recipe.train.log_every = 4;  // a stop between two lines: the first half of the mean was seen before it
  auto const whole = run_whole(recipe, 3, folder.path() / "whole");
  auto const own = folder.path() / "own";
  {
    auto const learner = recipe.learner(3);
    auto s = std::make_unique<Scripted>();
    Trainer* running = nullptr;
    s->on_after_step = [&](StepContext& c) {
      if (c.step == 5) running->stop_after(std::chrono::seconds(0));
    };
    Trainer trainer(*learner, test::only(std::move(s)), recipe.train, recipe.evaluation, 3);
    running = &trainer;
    RunFiles files(own, 1e9);
    trainer.attach(&files);
    EXPECT_THROW(trainer.run(recipe.stream), Stopped);
  }
  auto const learner = recipe.learner(3);
  Trainer trainer(*learner, test::only(std::make_unique<Scripted>()), recipe.train, recipe.evaluation, 3);
  RunFiles files(own, 1e9);
  trainer.attach(&files);
  auto archive = read_checkpoint(*files.checkpoints.newest(), false);
  trainer.state(archive);
  trainer.run(recipe.stream);
  files.metrics.flush();
  std::vector<std::string> lines;
  std::ifstream log(own / "metrics.jsonl");
  for (std::string line; std::getline(log, line);) lines.push_back(without_times(Json::parse(line)).dump());
  EXPECT_EQ(lines, whole.lines);
}

TEST(Resume, WithEarlyStopIsBitExact) {
  auto recipe = with("er");
  recipe.train.epochs = 6;
  recipe.train.patience = 1;
  recipe.train.held_out = 0.2;
  recipe.train.optimizer.learning_rate = 0.1;
  expect_same_from_everywhere(recipe, 3);
}

/// Two stages (the second with the body frozen, on other data), a generator, an output per event and numbers of its
/// own.
std::unique_ptr<Strategy> everything() {
  struct State {
    std::unique_ptr<Learner> generator = toy::learner("vae");
    at::Tensor sum;
    std::int64_t steps = 0;
  };
  auto state = std::make_shared<State>();
  auto s = std::make_unique<Scripted>();
  s->declared = {.stages = true, .prefix = Prefix::kChanges};
  s->on_begin = [](EventContext& c) {
    if (c.first()) return;
    c.grow(c.parameters().find("head.weight"), {5, 8});
    c.grow(c.parameters().find("head.bias"), {5});
  };
  s->on_grown = [state](Growth const& growth) {
    if (state->sum.defined()) state->sum = growth.carry(state->sum);
  };
  s->on_stages = [](EventContext& c) {
    return std::vector<Stage>{{.name = "train"},
                              {.name = "head",
                               .data = toy::images("elsewhere", 12),
                               .epochs = 2,
                               .lr_scale = 0.5,
                               .trainable = {c.parameters().find("head.weight"), c.parameters().find("head.bias")},
                               .fresh_optimizer = true},
                              {.name = "look", .steps = 2, .optimise = false}};
  };
  s->on_auxiliaries = [state] {
    return std::vector<Auxiliary>{{.name = "generator", .learner = state->generator.get()}};
  };
  s->on_observe = [state](StepContext& c) {
    auto const& g = c.parameters().grad();
    state->sum = state->sum.defined() ? state->sum + g : g.clone();
  };
  s->on_add = [state](StepContext& c) {
    auto const noise = at::randn({c.parameters().size()}, c.streams->get("own"), at::kFloat);
    c.parameters().grad().add_(noise, 1e-3).add_(state->sum, 1e-3 * static_cast<double>(++state->steps));
  };
  s->on_state = [state](Archive& a) {
    a.field("sum", state->sum);
    a.field("steps", state->steps);
  };
  return s;
}

TEST(Resume, InEveryStageWithAuxiliariesAndAGrownHeadIsBitExact) {
  auto recipe = RunRecipe::toy();
  recipe.strategies = [](std::uint64_t seed) { return StrategyList("everything", everything(), seed); };
  expect_same_from_everywhere(recipe);
}

TEST(Resume, CutsTheLogToWhereTheCheckpointWasTaken) {
  test::TemporaryFolder const folder;
  auto const recipe = with("naive");
  auto const whole = run_whole(recipe, 3, folder.path() / "whole");
  auto const own = folder.path() / "own";
  static_cast<void>(run_interrupted(recipe, 3, own, 3, Interruption::kAsked, 1e9));
  auto const metrics = own / "metrics.jsonl";
  auto const kept = test::contents(metrics);
  std::ofstream(metrics, std::ios::app) << R"({"kind":"step","event":1,"step":99)";  // a line cut in half
  auto const learner = recipe.learner(3);
  Trainer trainer(*learner, recipe.strategies(3), recipe.train, recipe.evaluation, 3);
  RunFiles files(own, 1e9);
  trainer.attach(&files);
  auto archive = read_checkpoint(files.checkpoints.find("event-0"), false);
  trainer.state(archive);
  trainer.run(recipe.stream);
  files.metrics.flush();
  auto const without = [](std::string const& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) lines.push_back(without_times(Json::parse(line)).dump());
    return lines;
  };
  EXPECT_EQ(without(test::contents(metrics)), whole.lines);
  EXPECT_EQ(without(kept), whole.lines);
}

}  // namespace
}  // namespace mneme
