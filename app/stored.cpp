#include "stored.hpp"

#include <algorithm>

#include "mneme/core/errors.hpp"
#include "mneme/core/text.hpp"
#include "mneme/core/toml.hpp"
#include "process.hpp"

namespace mneme::app {
namespace fs = std::filesystem;

void add_arm_flags(Command& command, ArmFlags& flags) {
  command.argument("run", flags.run, "the run's folder");
  command.option("--arm", "NAME", flags.arm, "which arm; may be left out where the run has one only");
  command.option("--seed", "N", flags.seed, "which seed (default: the run's first)");
  command.option("--checkpoint", "NAME", flags.checkpoint, "which checkpoint, such as event-0 (default: the newest)");
}

ArmPlan const& chosen_arm(ExperimentPlan const& plan, std::string const& name) {
  if (!name.empty()) return plan.arm(name);
  if (plan.arms.size() == 1) return plan.arms.front();
  std::vector<std::string> names;
  for (auto const& arm : plan.arms) names.push_back(arm.name);
  throw ConfigError("the run has the arms " + join(names) + ": say which one with --arm");
}

StoredArm load_stored(ArmFlags const& flags, DataLibrary& library) {
  auto const plan = stored_plan(flags.run);
  auto const& arm = chosen_arm(plan, flags.arm);
  auto const seed = flags.seed.value_or(plan.options.seeds.front());
  if (std::find(plan.options.seeds.begin(), plan.options.seeds.end(), seed) == plan.options.seeds.end())
    throw ConfigError("--seed " + std::to_string(seed) + ": the run has no such seed");
  use_threads(plan.options.threads);
  return {arm, seed, load_arm(flags.run, arm.name, seed, flags.checkpoint, library, true)};
}

std::optional<std::int64_t> task_of(StoredArm const& arm, std::string const& name) {
  std::vector<std::string> names;
  for (auto const* task : arm.loaded.stream.tested()) {
    if (task->name == name) return task->id;
    names.push_back(task->name);
  }
  if (!name.empty()) throw ConfigError("--task: no task '" + name + "' in this run: " + suggestion(name, names));
  if (arm.loaded.stream.visibility.task_at_test)
    throw ConfigError("this run is task-incremental, its learner has to be told which task the data is of: --task " +
                      join(names, " | "));
  return {};
}

}  // namespace mneme::app
