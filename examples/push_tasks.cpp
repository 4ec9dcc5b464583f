// Tasks pushed one by one, by processes that end in between.
//
//   push_tasks <task>   learns one task ("fashion-mnist", "mnist") from where the last process stopped
//   push_tasks          starts itself once for each task, then checks the result against one process that never stopped
#include <torch/types.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "mneme/data/sample.hpp"
#include "mneme/learners/classifier.hpp"
#include "mneme/nets/mlp.hpp"
#include "mneme/strategies/ewc.hpp"
#include "mneme/train/trainer.hpp"

using namespace mneme;

std::vector<std::string> const kTasks = {"fashion-mnist", "mnist"};

Task load(std::size_t id) {
  return {.name = kTasks[id],
          .id = static_cast<std::int64_t>(id),
          .train = Dataset::from(kTasks[id], load_sample(kTasks[id], "train")),
          .test = Dataset::from(kTasks[id], load_sample(kTasks[id], "test")),
          .classes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}};
}

// [process]
/// Learns tasks begin <= i < end on top of what `folder` holds, and saves. Returns the parameters' hash.
std::string learn(std::filesystem::path const& folder, std::size_t begin, std::size_t end) {
  RandomStreams streams(0);
  Classifier learner([](ParameterArena& arena) { return std::make_unique<Mlp>(arena, 784, Shape{128}, 10); }, at::kCPU,
                     &streams.get("init"));
  StrategyList strategies("ewc", std::make_unique<Ewc>(EwcOptions{.lambda = 500, .fisher = {.samples = 500}}), 0);
  TrainOptions options;
  options.epochs = 2;
  options.batch = 64;
  Trainer trainer(learner, std::move(strategies), options, {}, 0);
  RunFiles files(folder);
  trainer.attach(&files);
  for (std::size_t i = 0; i < begin; ++i) trainer.test_on(load(i));  // go on measuring what was learnt before
  if (auto const checkpoint = files.checkpoints.newest()) {
    auto archive = read_checkpoint(*checkpoint, false);
    trainer.state(archive);
  }
  for (std::size_t i = begin; i < end; ++i) trainer.learn(load(i));
  trainer.save("after-" + kTasks[end - 1], true);
  std::printf("%s", trainer.matrix().to_csv().c_str());
  std::fflush(stdout);
  return trainer.parameter_hash();
}
// [/process]

int main(int argc, char** argv) {
  std::filesystem::path const here = "push_tasks_run";
  if (argc == 2) {
    for (std::size_t i = 0; i < kTasks.size(); ++i)
      if (kTasks[i] == argv[1]) return learn(here / "stopped", i, i + 1).empty();
    return 2;
  }
  std::filesystem::remove_all(here);
  for (auto const& task : kTasks) {
    std::printf("-- a process that learns %s\n", task.c_str());
    std::fflush(stdout);
    if (std::system(("'" + std::string(argv[0]) + "' " + task).c_str()) != 0) return 1;
  }
  std::puts("-- one process that learns both");
  auto const whole = learn(here / "whole", 0, kTasks.size());
  auto const stopped = learn(here / "stopped", kTasks.size(), kTasks.size());  // loads, learns nothing more
  std::printf("the same bits: %s\n", whole == stopped ? "yes" : "NO");
  return whole == stopped ? 0 : 1;
}
