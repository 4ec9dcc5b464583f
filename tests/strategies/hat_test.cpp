// HAT: if these fail, units that a task uses are trained away by later ones, or the gates do not learn.
#include "mneme/strategies/hat.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <limits>

#include "mneme/core/seed.hpp"
#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

constexpr std::int64_t kUnits = 8;  // of the toy classifier's hidden layer

Json hat(Json const& options = Json::object()) {
  Json all = {{"kind", "hat"}};
  all.update(options);
  return all;
}

TrainOptions one_step(double rate = 0.05) {
  auto train = RunRecipe::toy().train;
  train.epochs = 1;
  train.batch = 1000;
  train.optimizer.optimizer = "sgd";
  train.optimizer.learning_rate = rate;
  return train;
}

/// A run over task-incremental toy data, event by event.
struct Attention : test::Rig {
  explicit Attention(Json const& options = Json::object(), TrainOptions const& train = RunRecipe::toy().train,
                     std::unique_ptr<test::Scripted> watch = nullptr)
      : Rig(with(test::listed(hat(options)), std::move(watch)), train) {
    trainer.expect(stream);
  }
  static StrategyList with(StrategyList list, std::unique_ptr<test::Scripted> watch) {
    if (watch) list.add("watch", std::move(watch), 0);
    return list;
  }
  void learn(std::size_t i) { trainer.learn(task(i)); }
  [[nodiscard]] Task const& task(std::size_t i) const { return std::get<Task>(stream.events[i]); }
  [[nodiscard]] Hat& strategy() { return dynamic_cast<Hat&>(*trainer.strategies().members().front().strategy); }
  [[nodiscard]] at::Tensor value(std::string const& name) { return learner->parameters().value(segment(name)); }
  [[nodiscard]] at::Tensor gate(std::int64_t id) {
    auto const& data = task(static_cast<std::size_t>(id)).test;
    Batch const batch(data.slice(0, 2), data.labels().narrow(0, 0, 2), id, stream.visibility);
    return strategy().gates(batch, false).front();
  }

  Stream stream = toy::split_stream(true);
};

/// One step of SGD by torch's own autograd, from the equations of the header. `used`: A of the hidden units.
struct ByHand {
  at::Tensor w1, b1, w2, b2, e;

  void step(Task const& task, at::Tensor const& used, at::Tensor const& used_outputs, double s, double s_max, double c,
            double rate) {
    for (auto* t : {&w1, &b1, &w2, &b2, &e}) *t = t->detach().clone().set_requires_grad(true);
    auto const x = task.train.slice(0, task.train.size()).flatten(1);
    auto const a = (e * s).sigmoid();
    auto const logits = at::linear(at::linear(x, w1, b1).relu() * a, w2, b2);
    auto mask = at::ones({4}, at::kBool);
    for (auto const k : task.classes) mask.select(0, k).fill_(false);
    auto const active = logits.masked_fill(mask, -std::numeric_limits<float>::infinity());
    auto const loss =
        at::cross_entropy_loss(active, task.train.labels()) + c * (a * (1 - used)).sum() / (1 - used).sum();
    loss.backward();
    at::NoGradGuard const no_grad;
    auto const outputs = used_outputs.unsqueeze(1);
    w1 = w1 - rate * w1.grad() * (1 - used.unsqueeze(1));
    b1 = b1 - rate * b1.grad() * (1 - used);
    w2 = w2 - rate * w2.grad() * (1 - at::minimum(outputs, used.unsqueeze(0)));
    b2 = b2 - rate * b2.grad() * (1 - used_outputs);
    auto const factor = s_max / s * ((s * e).clamp(-50, 50).cosh() + 1) / (e.cosh() + 1);
    e = (e - rate * e.grad() * factor).clamp(-6, 6);
  }
};

// Wrong: a sign, the scale s, the compensation of the embeddings' gradient, the regulariser's denominator, or which
// unit of a weight is looked at. One step from the same start, by hand.
TEST(Hat, AStepIsTheEquations) {
  double const s_max = 4, c = 0.3, rate = 0.05;
  Attention run(Json{{"s_max", s_max}, {"sparsity", c}}, one_step(rate));
  ByHand hand{run.value("fc1.weight").clone(),
              run.value("fc1.bias").clone(),
              run.value("head.weight").clone(),
              run.value("head.bias").clone(),
              {}};
  RandomStreams streams(stream_seed(0, "strategy/hat"));
  auto used = at::zeros({kUnits});
  for (std::size_t t = 0; t < 2; ++t) {
    hand.e = draw_normal({kUnits}, streams.get("embedding"), at::kCPU);  // as begin_event does
    auto outputs = at::zeros({4});
    if (t == 1) outputs.narrow(0, 0, 2).fill_(1);
    run.learn(t);
    hand.step(run.task(t), used, outputs, 1 / s_max, s_max, c, rate);
    EXPECT_TRUE(at::allclose(run.value("hat.fc1"), hand.e, 1e-4, 1e-5)) << t;
    EXPECT_TRUE(at::allclose(run.value("fc1.weight"), hand.w1, 1e-4, 1e-6)) << t;
    EXPECT_TRUE(at::allclose(run.value("fc1.bias"), hand.b1, 1e-4, 1e-6)) << t;
    EXPECT_TRUE(at::allclose(run.value("head.weight"), hand.w2, 1e-4, 1e-6)) << t;
    EXPECT_TRUE(at::allclose(run.value("head.bias"), hand.b2, 1e-4, 1e-6)) << t;
    EXPECT_TRUE(at::allclose(run.gate(static_cast<std::int64_t>(t)), (s_max * hand.e).sigmoid(), 1e-3, 1e-4)) << t;
    used = at::maximum(used, (s_max * hand.e).sigmoid()).detach();
  }
}

// Wrong: s constant, or counted over steps instead of the epoch's samples.
TEST(Hat, TheGatesGrowSteeperWithinAnEpoch) {
  auto train = RunRecipe::toy().train;
  train.batch = 10;
  train.epochs = 2;
  train.optimizer.learning_rate = 1e-30;  // the embeddings stay
  std::vector<double> steepness;
  auto watch = std::make_unique<test::Scripted>();
  watch->on_observe = [&](StepContext& c) {
    auto const a = c.training_gates(c.batch).front().detach().to(at::kDouble);
    auto const e = c.parameters().value(c.parameters().find("hat.fc1")).to(at::kDouble);
    steepness.push_back(((a / (1 - a)).log() / e).median().item<double>());
  };
  Attention run(Json{{"s_max", 4.0}}, train, std::move(watch));
  run.learn(0);
  std::vector<double> const epoch = {0.25, 1.1875, 2.125, 3.0625};  // 1/4 + (4 - 1/4) i/40
  ASSERT_EQ(steepness.size(), 8U);
  for (std::size_t i = 0; i < 8; ++i) EXPECT_NEAR(steepness[i], epoch[i % 4], 1e-4) << i;
}

// Wrong: momentum, moments or decay move weights that the gradient no longer does; then an old task's answers change.
TEST(Hat, WhatAnOldTaskUsesAloneStaysUnderEveryOptimizer) {
  for (std::string const kind : {"sgd", "adam", "adamw"}) {
    auto train = RunRecipe::toy().train;
    train.at_boundary = "keep";
    train.optimizer.optimizer = kind;
    train.optimizer.learning_rate = kind == "sgd" ? 0.1 : 0.01;
    if (kind == "sgd") train.optimizer.momentum = 0.9;
    train.optimizer.weight_decay = 0.1;
    Attention run(Json{{"sparsity", 0.0}}, train);  // so that a toy run leaves gates open
    run.learn(0);
    auto const gate = run.gate(0).clone();
    auto const open = gate.eq(1);  // in float: protected altogether
    ASSERT_GT(open.sum().item<std::int64_t>(), 0) << "the toy run leaves no gate open";
    auto const weight = run.value("fc1.weight").clone(), head = run.value("head.weight").narrow(0, 0, 2).clone();
    auto const before = run.trainer.test(run.task(0).test, 0);
    run.learn(1);
    EXPECT_TRUE(at::equal(run.gate(0), gate)) << kind;
    EXPECT_TRUE(at::equal(run.value("fc1.weight").index({open}), weight.index({open}))) << kind;
    EXPECT_FALSE(at::equal(run.value("fc1.weight"), weight)) << kind << ": nothing was learnt";
    EXPECT_TRUE(at::equal(run.value("head.weight").narrow(0, 0, 2).index_select(1, open.nonzero().squeeze(1)),
                          head.index_select(1, open.nonzero().squeeze(1))))
        << kind;
    // Gates that are a thousandth from 0 or 1 let a little through.
    EXPECT_NEAR(run.trainer.test(run.task(0).test, 0)[1], before[1], 0.02) << kind;
  }
}

TEST(Hat, UsedIsTheLargestGateOfTheTasksBefore) {
  Attention run(Json{{"s_max", 3.0}});
  run.learn(0);
  EXPECT_EQ(run.strategy().used().sum().item<float>(), 0) << "no task before the first";
  run.learn(1);
  auto const first = run.gate(0), second = run.gate(1);
  EXPECT_TRUE(at::equal(run.strategy().used(), first));
  run.learn(0);
  EXPECT_TRUE(at::equal(run.strategy().used(), at::maximum(first, second))) << "not the last task's alone";
}

// Wrong: a replayed row passes through the current task's gates.
TEST(Hat, RowsOfSeveralTasksHaveTheirOwnGates) {
  Attention run(Json{{"s_max", 3.0}});
  run.learn(0);
  run.learn(1);
  auto const& data = run.task(0).test;
  Batch const mixed(data.slice(0, 3), data.labels().narrow(0, 0, 3), at::tensor({1, 0, 9}, at::kLong),
                    run.stream.visibility);
  auto const gates = run.strategy().gates(mixed, false);
  EXPECT_TRUE(at::equal(gates.front(), at::stack({run.gate(1), run.gate(0), at::ones({kUnits})})));
}

TEST(Hat, RefusesNetsAndListsThatItCannotProtect) {
  auto learner = toy::learner("classifier", {{"net", {{"kind", "cnn"}}}});
  Trainer trainer(*learner, test::listed(hat()), RunRecipe::toy().train, {}, 0);
  auto const net = message_of<ConfigError>([&] { trainer.run(toy::split_stream(true)); });
  EXPECT_NE(net.find("conv1.weight"), std::string::npos) << net;
  test::Rig both(test::listed(Json::array({"hat", "xdg"})));
  auto const list = message_of<ConfigError>([&] { both.trainer.run(toy::split_stream(true)); });
  EXPECT_NE(list.find("multiplies the hidden layers"), std::string::npos) << list;
  test::Rig hidden(test::listed(hat()));
  EXPECT_THROW(hidden.trainer.run(toy::split_stream(false)), ConfigError);
}

}  // namespace
}  // namespace mneme
