// Optimizers: torch's own are the oracle. If these fail, a published learning rate means something else here.
#include "mneme/train/optimizer.hpp"

#include <gtest/gtest.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/rmsprop.h>
#include <torch/optim/sgd.h>
#include <torch/types.h>

#include "mneme/core/errors.hpp"
#include "tests/core/message_of.hpp"
#include "tests/nets/oracle.hpp"

namespace mneme {
namespace {

/// 100 steps with random gradients, ours on an arena of three segments and torch's on one tensor.
void expect_same(OptimizerOptions const& options,
                 std::function<std::unique_ptr<torch::optim::Optimizer>(std::vector<at::Tensor>)> const& make) {
  at::manual_seed(7);
  ParameterArena arena;
  for (auto const* name : {"a", "b", "c"}) arena.add(name, {11, 3});
  arena.allocate();
  arena.value().normal_();
  auto theirs = arena.value().clone().requires_grad_(true);
  ArenaOptimizer ours(options, arena);
  auto const oracle = make({theirs});
  for (int step = 0; step < 100; ++step) {
    auto const gradient = at::randn({99}) * (step % 7 == 0 ? 0 : 1);  // gradients that vanish for a step too
    arena.grad().copy_(gradient);
    theirs.mutable_grad() = gradient.clone();
    ours.step(options.learning_rate);
    oracle->step();
  }
  EXPECT_LT(relative_error(arena.value(), theirs.detach()), 2e-6) << options.optimizer;
}

TEST(Optimizer, SgdIsTorchs) {
  for (double const momentum : {0.0, 0.9})
    for (double const decay : {0.0, 0.01})
      for (bool const nesterov : {false, true}) {
        if (nesterov && momentum == 0) continue;
        SCOPED_TRACE(testing::Message() << momentum << " " << decay << " " << nesterov);
        expect_same({.optimizer = "sgd",
                     .learning_rate = 0.05,
                     .momentum = momentum,
                     .nesterov = nesterov,
                     .weight_decay = decay},
                    [&](std::vector<at::Tensor> p) {
                      auto o = torch::optim::SGDOptions(0.05).momentum(momentum).weight_decay(decay).nesterov(nesterov);
                      return std::make_unique<torch::optim::SGD>(std::move(p), o);
                    });
      }
}

TEST(Optimizer, AdamIsTorchs) {
  for (double const decay : {0.0, 0.01})
    expect_same({.optimizer = "adam",
                 .learning_rate = 0.01,
                 .weight_decay = decay,
                 .beta1 = 0.8,
                 .beta2 = 0.99,
                 .epsilon = 1e-6},
                [&](std::vector<at::Tensor> p) {
                  auto o = torch::optim::AdamOptions(0.01).betas({0.8, 0.99}).eps(1e-6).weight_decay(decay);
                  return std::make_unique<torch::optim::Adam>(std::move(p), o);
                });
}

TEST(Optimizer, AdamWIsTorchs) {
  expect_same({.optimizer = "adamw", .learning_rate = 0.01, .weight_decay = 0.1}, [](std::vector<at::Tensor> p) {
    return std::make_unique<torch::optim::AdamW>(std::move(p), torch::optim::AdamWOptions(0.01).weight_decay(0.1));
  });
}

TEST(Optimizer, RmspropIsTorchs) {
  for (double const momentum : {0.0, 0.9})
    for (double const decay : {0.0, 0.01})
      expect_same({.optimizer = "rmsprop",
                   .learning_rate = 0.01,
                   .momentum = momentum,
                   .weight_decay = decay,
                   .beta2 = 0.9,
                   .epsilon = 1e-6},
                  [&](std::vector<at::Tensor> p) {
                    auto o = torch::optim::RMSpropOptions(0.01).alpha(0.9).eps(1e-6).momentum(momentum);
                    return std::make_unique<torch::optim::RMSprop>(std::move(p), o.weight_decay(decay));
                  });
}

TEST(Optimizer, RefusesNesterovWithoutMomentum) {
  ParameterArena arena;
  arena.add("a", {1});
  arena.allocate();
  EXPECT_THROW(ArenaOptimizer({.optimizer = "sgd", .nesterov = true}, arena), ConfigError);
}

TEST(Optimizer, RefusesNesterovWithoutSgd) {
  ParameterArena arena;
  arena.add("a", {3});
  arena.allocate();
  auto const message = message_of<ConfigError>(
      [&] { ArenaOptimizer const none({.optimizer = "rmsprop", .momentum = 0.9, .nesterov = true}, arena); });
  EXPECT_NE(message.find("train.nesterov"), std::string::npos) << message;
}

TEST(Optimizer, RefusesDecaysThatNeverDecay) {
  for (auto const* key : {"momentum", "beta1", "beta2"})
    EXPECT_THROW(read_options<OptimizerOptions>({{key, 1.0}}, "train"), ConfigError) << key;
}

TEST(Optimizer, RefusesTheStateOfAnotherKind) {
  ParameterArena arena;
  arena.add("a", {4});
  arena.allocate();
  Archive saved;
  ArenaOptimizer({.optimizer = "adam"}, arena).state(saved);
  Archive loaded(saved.tensors(), saved.values(), "checkpoint");
  ArenaOptimizer sgd({.optimizer = "sgd", .momentum = 0.9}, arena);  // its row has the size of Adam's
  auto const message = message_of<CheckpointError>([&] { sgd.state(loaded); });
  EXPECT_NE(message.find("adam"), std::string::npos) << message;
  EXPECT_NE(message.find("sgd with momentum"), std::string::npos) << message;
}

struct Small {
  explicit Small(std::string const& rule) {
    for (auto const* name : {"a", "b", "c"}) arena.add(name, {2});
    arena.allocate();
    optimizer.emplace(OptimizerOptions{.optimizer = rule, .momentum = 0.9, .weight_decay = 0.1}, arena);
  }
  void step() {
    arena.grad().fill_(1);
    optimizer->step(0.1);
  }
  ParameterArena arena;
  std::optional<ArenaOptimizer> optimizer;
};

TEST(Optimizer, TouchesOnlyTheSegmentsItIsRestrictedTo) {
  for (auto const* rule : {"sgd", "adam", "adamw"}) {
    Small s(rule);
    s.arena.value().fill_(1);
    s.step();
    auto const before = s.arena.value().clone();
    s.optimizer->restrict_to({0, 2});
    s.step();
    auto const moved = s.arena.value().ne(before);
    EXPECT_TRUE(at::equal(moved, at::tensor({1, 1, 0, 0, 1, 1}).to(at::kBool))) << rule;
    s.optimizer->restrict_to({});
    auto const now = s.arena.value().clone();
    s.step();
    EXPECT_TRUE(at::equal(s.arena.value(), now)) << "no segment is not all of them";
  }
}

// Wrong: frozen segments count when the gradient is clipped, and what is trained makes smaller steps for it.
TEST(Optimizer, TheNormIsThatOfTheSegmentsItSteps) {
  ParameterArena arena;
  for (auto const* name : {"a", "b", "c"}) arena.add(name, {1});
  arena.allocate();
  ArenaOptimizer optimizer({}, arena);
  arena.grad().copy_(at::tensor({3.0F, 12.0F, 4.0F}));
  EXPECT_FLOAT_EQ(optimizer.gradient_norm().item<float>(), 13);
  optimizer.restrict_to({0, 2});
  EXPECT_FLOAT_EQ(optimizer.gradient_norm().item<float>(), 5);
  optimizer.restrict_to({1});
  EXPECT_FLOAT_EQ(optimizer.gradient_norm().item<float>(), 12);
}

TEST(Optimizer, IsNewAfterResetAndTheSameAfterLoading) {
  for (auto const* rule : {"sgd", "adam", "adamw"}) {
    Small first(rule), second(rule);
    first.step();
    first.step();
    Archive saved;
    first.optimizer->state(saved);
    Archive archive(saved.tensors(), saved.values(), "x");
    second.optimizer->state(archive);
    second.arena.value().copy_(first.arena.value());
    first.step();
    second.step();
    EXPECT_TRUE(at::equal(first.arena.value(), second.arena.value())) << rule;

    first.optimizer->reset();
    first.arena.value().zero_();
    first.step();
    Small fresh(rule);
    fresh.step();
    EXPECT_TRUE(at::equal(first.arena.value(), fresh.arena.value())) << rule;
  }
}

TEST(Optimizer, KeepsItsMomentsWhenTheArenaGrows) {
  Small s("sgd");
  s.step();  // buffer 1 everywhere
  s.optimizer->grown(s.arena.resize(0, {3}));
  s.arena.value().zero_();
  s.arena.grad().zero_();
  s.optimizer->step(1);
  // buffer 0.9 where there was one, 0 for the new element
  EXPECT_TRUE(at::allclose(s.arena.value(), at::tensor({-0.9F, -0.9F, 0.0F, -0.9F, -0.9F, -0.9F, -0.9F})));
}

TEST(Schedule, FactorsAreTheHandComputedOnes) {
  OptimizerOptions o;
  EXPECT_EQ(schedule_factor(o, 7, 10), 1);
  o.schedule = "linear";
  o.final_scale = 0.2;
  EXPECT_DOUBLE_EQ(schedule_factor(o, 0, 10), 1);
  EXPECT_DOUBLE_EQ(schedule_factor(o, 5, 10), 0.6);
  o.schedule = "cosine";
  EXPECT_DOUBLE_EQ(schedule_factor(o, 5, 10), 0.6);
  EXPECT_NEAR(schedule_factor(o, 10, 10), 0.2, 1e-12);
  EXPECT_NEAR(schedule_factor(o, 20, 10), 0.2, 1e-12) << "past the end it stays there";
  o.warmup_steps = 4;
  EXPECT_DOUBLE_EQ(schedule_factor(o, 0, 14), 0.2);  // 1 / 5
  EXPECT_DOUBLE_EQ(schedule_factor(o, 3, 14), 0.8);
  EXPECT_DOUBLE_EQ(schedule_factor(o, 4, 14), 1);
  EXPECT_DOUBLE_EQ(schedule_factor(o, 9, 14), 0.6);  // half of the 10 steps after it
}

}  // namespace
}  // namespace mneme
