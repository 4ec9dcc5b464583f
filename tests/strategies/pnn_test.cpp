// Progressive networks: if these fail, an old column is trained away, or a new one does not read it.
#include "mneme/strategies/pnn.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include "mneme/learners/classifier.hpp"
#include "mneme/nets/progressive.hpp"
#include "mneme/testing/gradient_check.hpp"
#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

/// A run over task-incremental toy data, event by event.
struct Columns {
  explicit Columns(std::string const& lateral = "adapter", TrainOptions const& train = RunRecipe::toy().train)
      : learner(
            toy::learner("classifier", {{"net", {{"kind", "progressive"}, {"hidden", {6, 5}}, {"lateral", lateral}}}})),
        trainer(*learner, test::listed("pnn"), train, {}, 0) {
    trainer.expect(stream);
  }
  void learn(std::size_t i) { trainer.learn(task(i)); }
  [[nodiscard]] Task const& task(std::size_t i) const { return std::get<Task>(stream.events[i]); }
  [[nodiscard]] at::Tensor value(std::string const& name) {
    return learner->parameters().value(learner->parameters().find(name));
  }
  [[nodiscard]] Progressive& net() { return dynamic_cast<Progressive&>(dynamic_cast<Classifier&>(*learner).net()); }
  /// Values of a column's segments, one after the other.
  [[nodiscard]] at::Tensor column(std::int64_t k) {
    std::vector<at::Tensor> parts;
    for (int const id : net().segments(k)) parts.push_back(learner->parameters().value(id).flatten());
    return at::cat(parts).clone();
  }
  [[nodiscard]] at::Tensor linear(at::Tensor const& x, std::string const& name) {
    return at::linear(x, value(name + ".weight"), value(name + ".bias"));
  }

  Stream stream = toy::split_stream(true);
  std::unique_ptr<Learner> learner;
  Trainer trainer;
};

// Wrong: laterals of the same layer instead of the one before, an activation on the output, alpha left out.
TEST(Pnn, ANewColumnReadsTheOldOnesLayerBefore) {
  for (std::string const lateral : {"adapter", "linear", "none"}) {
    Columns run(lateral);
    run.learn(0);
    run.learn(1);
    run.learn(0);  // comes again: a third column
    ASSERT_EQ(run.net().columns(), 3);
    at::NoGradGuard const no_grad;
    auto const x = run.task(1).test.slice(0, 4).flatten(1);
    std::vector<std::vector<at::Tensor>> h;  // [column][layer]
    for (std::string const own : {"", "column1.", "column2."}) {
      auto& column = h.emplace_back();
      at::Tensor in = x;
      for (std::string const layer : {"fc1", "fc2", "head"}) {
        auto y = run.linear(in, own + layer);
        if (layer != "fc1" && !own.empty() && lateral == "adapter") {
          std::vector<at::Tensor> scaled;
          for (std::size_t j = 0; j + 1 < h.size(); ++j)
            scaled.push_back(h[j][column.size() - 1] * run.value(own + layer + ".alpha")[static_cast<long>(j)]);
          y = y + run.linear(run.linear(at::cat(scaled, 1), own + layer + ".in").relu(), own + layer + ".out");
        }
        if (layer != "fc1" && !own.empty() && lateral == "linear")
          for (std::size_t j = 0; j + 1 < h.size(); ++j)
            y = y + run.linear(h[j][column.size() - 1], own + layer + ".from" + std::to_string(j));
        in = layer == "head" ? y : y.relu();
        column.push_back(in);
      }
    }
    for (std::int64_t k = 0; k < 3; ++k) {
      run.net().select(k);
      auto const out = run.net().forward(x, {});
      EXPECT_TRUE(at::allclose(out.logits, h[static_cast<std::size_t>(k)][2], 1e-5, 1e-6)) << lateral << " " << k;
    }
  }
}

// Wrong: momentum, moments or decay reach an old column.
TEST(Pnn, OldColumnsStayBitForBitUnderEveryOptimizer) {
  for (std::string const kind : {"sgd", "adam", "adamw"}) {
    auto train = RunRecipe::toy().train;
    train.at_boundary = "keep";
    train.optimizer.optimizer = kind;
    if (kind == "sgd") train.optimizer.momentum = 0.9;
    train.optimizer.weight_decay = 0.1;
    Columns run("adapter", train);
    run.learn(0);
    auto const first = run.column(0);
    auto const answer = run.trainer.test(run.task(0).test, 0);
    run.learn(1);
    EXPECT_TRUE(at::equal(run.column(0), first)) << kind;
    EXPECT_EQ(run.trainer.test(run.task(0).test, 0), answer) << kind;
  }
}

// Wrong: the new column, its laterals or alpha are not trained.
TEST(Pnn, EverySegmentOfTheNewColumnLearns) {
  Columns run;
  run.learn(0);
  run.learn(1);
  run.net().select(1);
  auto const& data = run.task(1).train;
  Batch batch(data.slice(0, 8), data.labels().narrow(0, 0, 8), 1, run.stream.visibility);
  run.trainer.activate(batch);
  auto row = run.learner->parameters().new_row();
  at::Generator noise = RandomStreams(0).fresh("noise");
  run.learner->gradient(batch, row, noise);
  for (int const id : run.net().segments(1)) {
    auto const& s = run.learner->parameters().segments()[static_cast<std::size_t>(id)];
    EXPECT_GT(row.narrow(0, s.offset, s.size).abs().max().item<float>(), 0) << s.name;
  }
  for (int const id : run.net().segments(0)) {
    auto const& s = run.learner->parameters().segments()[static_cast<std::size_t>(id)];
    EXPECT_EQ(row.narrow(0, s.offset, s.size).abs().max().item<float>(), 0) << s.name;
  }
}

TEST(Pnn, ATaskThatWasNotLearntIsTestedWithTheNewestColumn) {
  Columns run;
  run.learn(0);
  auto const& other = run.task(1).test;
  run.net().select(0);
  auto const expected = run.trainer.test(other, 1);
  EXPECT_EQ(run.trainer.test(other, 1), expected);
  run.learn(1);
  EXPECT_NE(run.trainer.test(other, 1), expected);
}

// Wrong: gates are taken and do nothing, so that a strategy that gates runs as plain training.
TEST(Pnn, HiddenLayersOfTheNewestColumnAreMultipliedByTheirGates) {
  ParameterArena arena;
  Progressive net(arena, 4, {.hidden = {3}}, 2);
  arena.allocate();
  auto generator = at::detail::createCPUGenerator(1);
  net.initialise(generator);
  auto const x = at::rand({5, 4}, generator);
  Gates const gates = {at::tensor({1.0F, 0.0F, 2.0F})};
  auto const plain = net.forward(x, {}), gated = net.forward(x, {.training = false, .gates = &gates});
  EXPECT_TRUE(at::equal(gated.features, plain.features * gates[0]));
  EXPECT_FALSE(at::equal(gated.logits, plain.logits));
}

TEST(Pnn, RefusesANetWithoutColumns) {
  test::Rig rig(test::listed("pnn"));
  auto const message = message_of<ConfigError>([&] { rig.trainer.run(toy::split_stream(true)); });
  EXPECT_NE(message.find("progressive"), std::string::npos) << message;
}

}  // namespace
}  // namespace mneme
