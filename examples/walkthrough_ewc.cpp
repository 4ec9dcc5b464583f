// Elastic weight consolidation step by step on the embedded sample; docs/walkthrough-ewc.md explains each block.
#include <torch/types.h>

#include <cstdio>

#include "mneme/data/sample.hpp"
#include "mneme/importance/fisher.hpp"
#include "mneme/learners/classifier.hpp"
#include "mneme/nets/mlp.hpp"
#include "mneme/strategies/ewc.hpp"
#include "mneme/train/trainer.hpp"

using namespace mneme;

int percent(Cell const& accuracy) { return static_cast<int>(100 * accuracy.value() + 0.5); }

// [load]
Task load(std::string const& name, std::int64_t id) {
  auto const train = Dataset::from(name, load_sample(name, "train"));
  auto const test = Dataset::from(name, load_sample(name, "test"));
  std::printf("%s: %ld training and %ld test images\n", name.c_str(), long{train.size()}, long{test.size()});
  return {.name = name, .id = id, .train = train, .test = test, .classes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}};
}
// [/load]
// [strategy]
struct Consolidate final : Strategy {
  Consolidate(MergedQuadratic terms, double l) : quadratic(std::move(terms)), lambda(l) {}
  void add_gradient(StepContext& step) override {
    quadratic.add_gradient(step.parameters().value(), lambda, step.parameters().grad());
  }
  MergedQuadratic quadratic;
  double lambda;
};
// [/strategy]
// [curve]
struct Curve final : Observer {
  void line(Json const& line) override {
    if (line["kind"] != "evaluation" || line["part"] != "curve") return;
    int const right = percent(line["values"]["fashion-mnist"].get<double>());
    std::printf("step %3d: %d %% %s\n", line["step"].get<int>(), right, std::string(right / 2, '#').c_str());
  }
};
// [/curve]

int main() {
  std::puts("== define");
  // [define]
  auto const fashion = load("fashion-mnist", 0), mnist = load("mnist", 1);
  RandomStreams streams(0);
  auto const make_net = [](ParameterArena& arena) { return std::make_unique<Mlp>(arena, 784, Shape{256, 256}, 10); };
  Classifier learner(make_net, at::kCPU, &streams.get("init"));
  TrainOptions options;
  options.epochs = 5;
  options.batch = 64;
  std::printf("%ld parameters\n", long{learner.parameters().size()});
  // [/define]
  std::puts("== train-a");
  // [train-a]
  Trainer first(learner, {}, options, {}, 0);  // no strategy: plain training
  first.learn(fashion);
  std::printf("fashion-mnist: %d %% right\n", percent(first.matrix().values.back()[0]));
  // [/train-a]
  std::puts("== fisher");
  // [fisher]
  auto const fisher = diagonal_fisher({.learner = learner,
                                       .data = fashion.train,
                                       .options = {.labels = "sampled", .samples = 1000},
                                       .choice = streams.get("fisher"),
                                       .noise = streams.get("fisher-noise")});
  auto const tenth = std::get<0>(fisher.topk(fisher.size(0) / 10)).sum().item<double>();
  std::printf("a tenth of the parameters holds %.0f %% of it\n", 100 * tenth / summarise(fisher).trace);
  MergedQuadratic quadratic;
  quadratic.add(fisher, learner.parameters().value());
  // [/fisher]
  std::puts("== train-b");
  // [train-b]
  auto const train_b = [&](StrategyList strategies) {
    auto const copy = learner.snapshot();  // the very same weights for both
    Trainer trainer(*copy, std::move(strategies), options, {.every_steps = 45, .curve_images = 1000}, 0);
    Curve curve;
    trainer.attach(&curve);
    trainer.test_on(fashion);
    trainer.learn(mnist);
    return trainer.matrix().values;
  };
  std::puts("fashion-mnist while mnist is learnt without EWC");
  auto const without = train_b({});
  std::puts("fashion-mnist while mnist is learnt with EWC");
  auto const with = train_b({"ewc", std::make_unique<Consolidate>(quadratic, 1000.0), 0});
  // [/train-b]
  std::puts("== table\n                    fashion-mnist   mnist");
  // [table]
  std::printf("after A             %11d %% %5d %%\n", percent(with.front()[0]), percent(with.front()[1]));
  std::printf("after B without EWC %11d %% %5d %%\n", percent(without.back()[0]), percent(without.back()[1]));
  std::printf("after B with EWC    %11d %% %5d %%\n", percent(with.back()[0]), percent(with.back()[1]));
  // [/table]
  return percent(with.back()[0]) >= percent(without.back()[0]) + 10 ? 0 : 1;
}
