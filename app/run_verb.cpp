// mneme run: an experiment, from a file or the catalogue, into a new run folder.
#include <memory>

#include "execute.hpp"
#include "load.hpp"
#include "mneme/core/text.hpp"
#include "parts.hpp"
#include "process.hpp"
#include "terminal.hpp"
#include "values.hpp"
#include "verbs.hpp"

namespace mneme::app {
namespace {

struct RunFlags {
  std::string experiment, out = "runs";
  std::vector<std::string> arms;
  bool dry_run = false;
  ChangeFlags change;
  ExecuteFlags execute;
};

std::string what_it_shares(ExperimentPlan const& plan, Unit const& unit) {
  if (unit.shared < 0) {
    int const shared = plan.arm(unit.arm).shared;
    return shared < 0 ? "from the beginning" : "goes on from shared/" + std::to_string(shared);
  }
  std::vector<std::string> arms;
  for (auto const& arm : plan.arms)
    if (arm.shared == unit.shared) arms.push_back(arm.name);
  return "the first event of " + join(arms);
}

/// The configuration as TOML that runs as it is, the units behind it as comments.
void print_plan(ExperimentPlan const& plan, bool json) {
  Json units = Json::array();
  for (auto const& wave : waves_of(plan))
    for (auto const& unit : wave) units.push_back({{"unit", unit.label()}, {"what", what_it_shares(plan, unit)}});
  if (json) return print(Json{{"config", plan.tree}, {"units", units}}.dump(1) + "\n");
  std::string text = config_text(plan) + "\n# What would be run, in this order:\n";
  for (auto const& unit : units)
    text += "#   " + unit["unit"].get<std::string>() + ": " + unit["what"].get<std::string>() + "\n";
  print(text);
}

int run(RunFlags const& flags) {
  check_flags(flags.execute);
  auto layers = load_experiment(flags.experiment);
  apply_changes(layers, flags.change);
  auto plan = plan_experiment(experiment_tree(layers));
  keep_arms(plan, flags.arms);
  use_threads(plan.options.threads);
  DataLibrary library(data_search(flags.execute.data));
  check_arms(plan, library);
  if (flags.dry_run) {
    print_plan(plan, flags.execute.json);
    return 0;
  }
  auto run = ExperimentRun::start(std::move(plan), flags.out, shell_line(arguments()), std::move(library));
  return execute(run, flags.execute);
}

std::string settings_text() {
  std::string text =
      "Settings for -s, with their defaults (`mneme explain NAME` tells those of a strategy, net, stream):\n";
  for (auto const& section : sections())
    text += option_table(section.options, section.key.empty() ? "" : section.key + ".");
  return text;
}

}  // namespace

void add_run(Command& program) {
  auto const flags = std::make_shared<RunFlags>();
  auto& verb = program.verb("run", "run an experiment: a TOML file, or a name from `mneme list experiments`");
  verb.argument("experiment", flags->experiment, "file.toml or the name of a catalogued experiment");
  add_change_flags(verb, flags->change);
  verb.option("--arm", "NAME", flags->arms, "run this arm only; may be repeated");
  verb.option("--out", "DIR", flags->out, "folder of run folders (default runs)");
  add_execute_flags(verb, flags->execute);
  verb.flag("--dry-run", flags->dry_run, "check everything, print the resolved configuration, write nothing");
  verb.footer(settings_text);
  verb.action([flags] { return run(*flags); });
}

}  // namespace mneme::app
