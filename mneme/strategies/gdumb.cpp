#include "mneme/strategies/gdumb.hpp"

#include <algorithm>

#include "mneme/strategies/exemplar_data.hpp"

namespace mneme {

void GdumbOptions::describe(OptionVisitor& v) {
  v.field("memory", memory, {.help = "capacity of the memory", .unit = "samples", .min = 0});
  v.field("epochs", epochs,
          {.help = "passes over the memory before an evaluation",
           .unit = "epochs",
           .min = 1,
           .source = "continual-learning-baselines: 10; authors' code: 128 on MNIST, with restarts"});
  v.field("restarts", restarts,
          {.help = "one epoch at a tenth of the learning rate, then cycles of 1, 2, 4, ... epochs that each go through "
                   "train.schedule",
           .source = "Prabhu et al. 2020"});
}

std::vector<Stage> gdumb_training(GdumbOptions const& options, Dataset const& memory) {
  if (!options.restarts)
    return {{.name = "train on the memory", .data = memory, .epochs = options.epochs, .from_scratch = true}};
  std::vector<Stage> stages = {{.name = "warm up", .data = memory, .epochs = 1, .lr_scale = 0.1, .from_scratch = true}};
  for (std::int64_t done = 1, cycle = 1; done < options.epochs; done += cycle, cycle *= 2)
    stages.push_back({.name = "cycle", .data = memory, .epochs = std::min(cycle, options.epochs - done)});
  return stages;
}

std::vector<Stage> Gdumb::stages(EventContext&) { return {{.name = "collect", .epochs = 1, .optimise = false}}; }

void Gdumb::after_step(StepContext& context) { buffer_.offer(current_rows(context), context.streams->get("greedy")); }

std::vector<Stage> Gdumb::before_evaluation(EventContext& context) {
  if (buffer_.empty()) return {};
  return gdumb_training(options_, stored_data(buffer_.all(), context));
}

}  // namespace mneme
