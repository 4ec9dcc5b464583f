// XdG: if these fail, tasks share units that they should not, or a task does not find its own again.
#include "mneme/strategies/xdg.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>

#include "mneme/strategies/hidden_layers.hpp"
#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

constexpr std::int64_t kUnits = 8;  // of the toy classifier's hidden layer
constexpr Visibility kShown = {.task_at_training = true, .task_at_test = true};

Json xdg(double share) { return {{"kind", "xdg"}, {"share", share}}; }

Batch batch_of(at::Tensor const& tasks) {
  auto const n = tasks.size(0);
  auto const x = at::arange(n * toy::kSide * toy::kSide, at::kFloat).sin().view({n, 1, toy::kSide, toy::kSide});
  return {x, at::zeros({n}, at::kLong), tasks, kShown};
}
Batch batch_of(std::int64_t task, std::int64_t n = 3) {
  auto const rows = batch_of(at::full({n}, task, at::kLong));
  return {rows.x, rows.y(), task, kShown};
}

Strategy& member(test::Rig& rig) { return *rig.trainer.strategies().members().front().strategy; }

/// [U] of the only hidden layer.
at::Tensor gate(test::Rig& rig, std::int64_t task) {
  auto const gates = member(rig).gates(batch_of(task), false);
  return gates.size() == 1 ? gates.front() : at::Tensor();
}

TEST(Xdg, ShutsTheShareOfEveryLayerButNeverAWholeLayer) {
  RandomStreams const streams(3);
  auto const open = [&](double share) {
    auto generator = streams.fresh("gates/0");
    auto const layers = draw_gates({10, 4}, share, generator).split_with_sizes({10, 4});
    return std::pair(layers[0].sum().item<std::int64_t>(), layers[1].sum().item<std::int64_t>());
  };
  EXPECT_EQ(open(0), std::pair(10L, 4L));
  EXPECT_EQ(open(0.3), std::pair(7L, 3L));  // off: 3, and 1.2 -> 1
  EXPECT_EQ(open(0.9), std::pair(1L, 1L));  // off: 9, and 3.6 -> 4, of which one stays open
  EXPECT_EQ(open(1), std::pair(1L, 1L));
}

// Wrong: gates by position in the run; the same task would get other units in another order.
TEST(Xdg, GatesOfATaskDependOnTheSeedAndTheTaskOnly) {
  test::Rig forwards(test::listed(xdg(0.5))), backwards(test::listed(xdg(0.5))), other(test::listed(xdg(0.5), 1));
  auto stream = toy::stream(3);
  stream.visibility = kShown;
  forwards.trainer.run(stream);
  other.trainer.run(stream);
  std::reverse(stream.events.begin(), stream.events.end());
  backwards.trainer.run(stream);
  for (std::int64_t t = 0; t < 3; ++t) {
    EXPECT_TRUE(at::equal(gate(forwards, t), gate(backwards, t))) << t;
    EXPECT_EQ(gate(forwards, t).sum().item<double>(), kUnits / 2) << t;
  }
  EXPECT_FALSE(at::equal(gate(forwards, 0), gate(forwards, 1)) && at::equal(gate(forwards, 1), gate(forwards, 2)));
  EXPECT_FALSE(at::equal(gate(forwards, 0), gate(other, 0)) && at::equal(gate(forwards, 1), gate(other, 1)));
}

// Wrong: an inverted gate, or one that acts at test but not in training.
TEST(Xdg, TrainingMovesTheOpenUnitsAndNoOther) {
  test::Rig rig(test::listed(xdg(0.5)));
  auto const weight = [&] { return rig.learner->parameters().value(rig.segment("fc1.weight")); };
  auto const bias = [&] { return rig.learner->parameters().value(rig.segment("fc1.bias")); };
  auto const old_weight = weight().clone(), old_bias = bias().clone();
  auto stream = toy::stream(1);
  stream.visibility = kShown;
  rig.trainer.run(stream);
  auto const open = gate(rig, 0).to(at::kBool);
  auto const still = weight().eq(old_weight).all(1).logical_and(bias().eq(old_bias));
  EXPECT_TRUE(still.index({~open}).all().item<bool>());
  EXPECT_FALSE(still.index({open}).all().item<bool>());
}

TEST(Xdg, AForwardPassIsTheEquation) {
  test::Rig rig(test::listed(xdg(0.5)));
  auto stream = toy::stream(2);
  stream.visibility = kShown;
  rig.trainer.run(stream);
  at::NoGradGuard const no_grad;
  auto& arena = rig.learner->parameters();
  auto const value = [&](char const* name) { return arena.value(rig.segment(name)); };
  at::Generator noise = RandomStreams(0).fresh("noise");
  for (std::int64_t t = 0; t < 2; ++t) {
    auto const batch = batch_of(t);
    auto const h = at::linear(batch.x.flatten(1), value("fc1.weight"), value("fc1.bias")).relu() * gate(rig, t);
    auto const expected = at::linear(h, value("head.weight"), value("head.bias"));
    auto const scores = predict(*rig.learner, rig.trainer.strategies(), batch, noise).logits;
    EXPECT_TRUE(at::allclose(scores, expected, 1e-5, 1e-6)) << t;
  }
}

// Wrong: replayed rows would pass through the current task's units.
TEST(Xdg, RowsOfSeveralTasksHaveTheirOwnGates) {
  test::Rig rig(test::listed(xdg(0.5)));
  auto stream = toy::stream(2);
  stream.visibility = kShown;
  rig.trainer.run(stream);
  auto const mixed = member(rig).gates(batch_of(at::tensor({1, 0, 7, 1}, at::kLong)), true);
  ASSERT_EQ(mixed.size(), 1U);
  auto const never_learnt = at::ones({kUnits});
  EXPECT_TRUE(at::equal(mixed.front(), at::stack({gate(rig, 1), gate(rig, 0), never_learnt, gate(rig, 1)})));
}

TEST(Xdg, ATaskThatWasNotLearntIsTestedWithTheWholeNet) {
  test::Rig rig(test::listed(xdg(0.5)));
  EXPECT_TRUE(member(rig).gates(batch_of(0), false).empty()) << "before training";
  auto stream = toy::stream(3);
  stream.visibility = kShown;
  std::swap(stream.events[0], stream.events[2]);  // task 2 first
  rig.trainer.expect(stream);
  rig.trainer.learn(std::get<Task>(stream.events[0]));
  EXPECT_EQ(gate(rig, 2).sum().item<double>(), kUnits / 2);
  EXPECT_EQ(gate(rig, 1).sum().item<double>(), kUnits);
  EXPECT_TRUE(member(rig).gates(batch_of(3), false).empty());
}

TEST(Xdg, FindsTheHiddenLayersOfItsNets) {
  auto const widths = [](Json const& net) {
    return gated_widths(toy::learner("classifier", {{"net", net}})->parameters(), "xdg");
  };
  EXPECT_EQ(widths({{"kind", "mlp"}, {"hidden", {5, 3}}}), (std::vector<std::int64_t>{5, 3}));
  EXPECT_EQ(widths({{"kind", "cnn"}, {"hidden", 7}}), (std::vector<std::int64_t>{7}));
  ParameterArena arena;
  arena.add("linear.bias", {3});
  auto const message = message_of<ConfigError>([&] { static_cast<void>(gated_widths(arena, "xdg")); });
  EXPECT_NE(message.find("fc1.bias"), std::string::npos) << message;
}

TEST(Xdg, RefusesAStreamThatHidesTheTask) {
  test::Rig rig(test::listed(xdg(0.5)));
  EXPECT_THROW(rig.trainer.run(toy::stream(2)), ConfigError);
}

}  // namespace
}  // namespace mneme
