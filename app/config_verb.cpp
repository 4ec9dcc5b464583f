// mneme config: check, show and schema of experiment files.
#include <memory>

#include "load.hpp"
#include "terminal.hpp"
#include "verbs.hpp"

namespace mneme::app {
namespace {

struct ConfigFlags {
  std::string experiment;
  ChangeFlags change;
  bool origin = false, json = false;
};

ConfigLayers load(ConfigFlags const& flags) {
  auto layers = load_experiment(flags.experiment);
  apply_changes(layers, flags.change);
  return layers;
}

int check(ConfigFlags const& flags) {
  auto const plan = plan_experiment(experiment_tree(load(flags)));
  print(flags.experiment + ": ok, " + std::to_string(plan.arms.size()) + " arms, " +
        std::to_string(plan.options.seeds.size()) + " seeds\n");
  return 0;
}

int show(ConfigFlags const& flags) {
  auto const layers = load(flags);
  auto const plan = plan_experiment(experiment_tree(layers));
  if (flags.json) {
    print(plan.tree.dump(1) + "\n");
  } else if (!flags.origin) {
    print(config_text(plan));
  } else {
    std::vector<std::vector<std::string>> rows;
    for (auto const& [key, value] : flatten(plan.tree)) {
      auto const origin = layers.origin(key);
      rows.push_back({key, origin.empty() ? "default" : origin, value.dump()});
    }
    print(columns({"key", "from", "value"}, rows));
  }
  return 0;
}

void add_experiment(Command& verb, ConfigFlags& flags) {
  verb.argument("experiment", flags.experiment, "file.toml or the name of a catalogued experiment");
  add_change_flags(verb, flags.change);
}

}  // namespace

void add_config(Command& program) {
  auto& config = program.verb("config", "check, show or describe experiment files");
  auto const flags = std::make_shared<ConfigFlags>();
  auto& check_verb = config.verb("check", "say whether an experiment file is right, without looking for its data");
  add_experiment(check_verb, *flags);
  check_verb.action([flags] { return check(*flags); });
  auto& show_verb = config.verb("show", "print the resolved configuration, every default filled in");
  add_experiment(show_verb, *flags);
  show_verb.flag("--origin", flags->origin, "say of every key where its value comes from");
  show_verb.flag("--json", flags->json, "print JSON");
  show_verb.action([flags] { return show(*flags); });
  auto& schema_verb = config.verb("schema", "print the JSON schema of experiment files, for editors");
  schema_verb.action([] {
    print(experiment_schema().dump(1) + "\n");
    return 0;
  });
}

}  // namespace mneme::app
