// The library in fifteen lines, as the README shows it: a net learns two tasks one after the other under EWC.
#include <cstdio>

#include "mneme/data/sample.hpp"
#include "mneme/learners/classifier.hpp"
#include "mneme/nets/mlp.hpp"
#include "mneme/train/trainer.hpp"

using namespace mneme;

int main() {
  // [use]
  RandomStreams streams(0);
  auto const make_net = [](ParameterArena& arena) { return std::make_unique<Mlp>(arena, 784, Shape{256, 256}, 10); };
  Classifier learner(make_net, at::kCPU, &streams.get("init"));
  StrategyList strategies({{"kind", "ewc"}, {"lambda", 1000.0}, {"samples", 1000}}, "strategy", 0);
  TrainOptions options;
  options.epochs = 5;
  options.batch = 64;
  Trainer trainer(learner, std::move(strategies), options, {}, 0);
  std::int64_t id = 0;
  for (std::string const name : {"fashion-mnist", "mnist"}) {
    auto const train = Dataset::from(name, load_sample(name, "train"));
    auto const test = Dataset::from(name, load_sample(name, "test"));
    trainer.learn({.name = name, .id = id++, .train = train, .test = test, .classes = {}});
  }
  std::printf("%s", trainer.matrix().to_csv().c_str());  // accuracy of every task before, between and after
  // [/use]
  bool const kept = trainer.matrix().values.back()[0].value() > 0.4;
  std::printf("EWC kept fashion-mnist above 40 %%: %s\n", kept ? "yes" : "NO");
  return kept ? 0 : 1;
}
