// Elastic weight consolidation step by step, on the embedded sample: docs/walkthrough-ewc.md explains each block.
#include <torch/types.h>

#include <cstdio>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "mneme/data/sample.hpp"
#include "mneme/importance/fisher.hpp"
#include "mneme/learners/classifier.hpp"
#include "mneme/nets/mlp.hpp"
#include "mneme/strategies/ewc.hpp"
#include "mneme/train/trainer.hpp"

using namespace mneme;

// [load]
Task load(std::string const& name, std::int64_t id) {
  return {.name = name,
          .id = id,
          .train = Dataset::from(name, load_sample(name, "train")),
          .test = Dataset::from(name, load_sample(name, "test")),
          .classes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}};
}
// [/load]

// [strategy]
struct Consolidate final : Strategy {
  Consolidate(MergedQuadratic q, double l) : quadratic(std::move(q)), lambda(l) {}
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
    if (line["kind"] == "evaluation" && line["part"] == "curve")
      points.emplace_back(line["step"].get<int>(), line["values"]["fashion-mnist"].get<double>());
  }
  std::vector<std::pair<int, double>> points;
};
// [/curve]

int percent(Cell const& accuracy) { return static_cast<int>(100 * accuracy.value() + 0.5); }

int main() {
  std::puts("== load");
  // [load-both]
  Task const fashion = load("fashion-mnist", 0), mnist = load("mnist", 1);
  for (auto const* task : {&fashion, &mnist})
    std::printf("%s: %d training and %d test images of 28x28\n", task->name.c_str(),
                static_cast<int>(task->train.size()), static_cast<int>(task->test.size()));
  // [/load-both]

  std::puts("== define");
  // [define]
  std::uint64_t const seed = 0;
  RandomStreams streams(seed);
  auto const make_net = [](ParameterArena& arena) {
    return std::make_unique<Mlp>(arena, 28 * 28, std::vector<std::int64_t>{256, 256}, 10);
  };
  Classifier learner(make_net, at::kCPU, &streams.get("init"));
  std::printf("parameters: %d\n", static_cast<int>(learner.parameters().size()));
  TrainOptions options;
  options.epochs = 5;
  options.batch = 64;
  // [/define]

  std::puts("== train-a");
  // [train-a]
  Trainer first(learner, {}, options, {}, seed);  // no strategy: plain training
  first.learn(fashion);
  std::printf("fashion-mnist after A: %d %%\n", percent(first.matrix().values.back()[0]));
  // [/train-a]

  std::puts("== fisher");
  // [fisher]
  auto const fisher = diagonal_fisher({.learner = learner,
                                       .data = fashion.train,
                                       .options = {.labels = "sampled", .samples = 1000},
                                       .choice = streams.get("fisher"),
                                       .noise = streams.get("fisher-noise")});
  MergedQuadratic quadratic;
  quadratic.add(fisher, learner.parameters().value());
  auto const sorted = std::get<0>(fisher.sort(0, true));
  auto const tenth = sorted.narrow(0, 0, sorted.size(0) / 10).sum().item<double>();
  std::printf("a tenth of the parameters holds %d %% of the Fisher information\n",
              static_cast<int>(100 * tenth / summarise(fisher).trace + 0.5));
  // [/fisher]

  std::puts("== train-b");
  // [train-b]
  auto const continue_with = [&](StrategyList strategies, Curve& curve) {
    auto const copy = learner.snapshot();  // the very same weights for both
    Trainer trainer(*copy, std::move(strategies), options, {.every_steps = 45, .curve_images = 1000}, seed);
    trainer.attach(&curve);
    trainer.test_on(fashion);
    trainer.learn(mnist);
    return trainer.matrix();
  };
  Curve without_curve, with_curve;
  auto const without = continue_with({}, without_curve);
  auto const with =
      continue_with(StrategyList("ewc", std::make_unique<Consolidate>(quadratic, 1000.0), seed), with_curve);
  // [/train-b]

  std::puts("== table");
  // [table]
  std::puts("                     fashion-mnist   mnist");
  auto const row = [](char const* when, std::vector<Cell> const& cells) {
    std::printf("%-20s %11d %% %5d %%\n", when, percent(cells[0]), percent(cells[1]));
  };
  row("after A", with.values.front());
  row("after B without EWC", without.values.back());
  row("after B with EWC", with.values.back());
  // [/table]

  std::puts("== curve");
  // [draw]
  for (auto const& [name, curve] : {std::pair{"without EWC", &without_curve}, std::pair{"with EWC", &with_curve}}) {
    std::printf("fashion-mnist while mnist is learnt, %s\n", name);
    for (auto const& [step, accuracy] : curve->points)
      std::printf("step %d: %d %% %s\n", step, percent(accuracy), std::string(percent(accuracy) / 2, '#').c_str());
  }
  // [/draw]

  bool const right = percent(without.values.back()[0]) + 10 <= percent(with.values.back()[0]);
  std::printf("== check\nEWC keeps at least 10 points more of fashion-mnist: %s\n", right ? "yes" : "NO");
  return right ? 0 : 1;
}
