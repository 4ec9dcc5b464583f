// mneme list: what there is, by kind.
#include <memory>

#include "mneme/core/errors.hpp"
#include "mneme/core/text.hpp"
#include "mneme/core/toml.hpp"
#include "mneme/data/catalogue.hpp"
#include "mneme/experiment/plan.hpp"
#include "mneme/learners/learner.hpp"
#include "mneme/strategies/support.hpp"
#include "parts.hpp"
#include "terminal.hpp"
#include "verbs.hpp"

namespace mneme::app {
namespace {

struct ListFlags {
  std::string kind;
  bool json = false;
};

/// What a person chooses a strategy by.
Json strategy_entry(StrategyRow const& row) {
  return {{"name", row.info.name},
          {"summary", row.info.summary},
          {"family", family_of(row)},
          {"scenarios", scenarios_of(row.needs)},
          {"made_for", claimed_scenarios(row, false)},
          {"fails_in", claimed_scenarios(row, true)},
          {"needs_task_at_training", row.needs.task_at_training},
          {"needs_task_at_test", row.needs.task_at_test},
          {"needs_boundaries", row.needs.boundaries},
          {"memory", row.memory}};
}

/// {kind: [{name, summary}]}, strategies with more.
Json everything() {
  Json all = Json::object();
  for (auto const& row : strategy_table()) all["strategies"].push_back(strategy_entry(row));
  for (auto const& kind : kinds()) {
    if (all.contains(kind.plural)) continue;
    for (auto const* part : kind.parts) all[kind.plural].push_back({{"name", part->name}, {"summary", part->summary}});
  }
  for (auto const& set : catalogue()) all["datasets"].push_back({{"name", set.name}, {"summary", set.title}});
  for (auto const& name : experiment_names())
    all["experiments"].push_back(
        {{"name", name}, {"summary", parse_toml(experiment_text(name), name).value("title", "")}});
  return all;
}

/// "strategy", "strategies": the key in `all`.
std::string known_kind(Json const& all, std::string const& word) {
  std::vector<std::string> names;
  for (auto const& [plural, parts] : all.items()) {
    if (word == plural || word + "s" == plural) return plural;
    names.push_back(plural);
  }
  for (auto const& kind : kinds())
    if (word == kind.singular) return kind.plural;
  throw ConfigError("unknown kind '" + word + "': " + suggestion(word, names));
}

std::string yes(bool value) { return value ? "yes" : "-"; }

/// With what decides between strategies; the summaries would not fit beside it.
std::string strategy_columns() {
  std::vector<std::vector<std::string>> rows;
  for (auto const& row : strategy_table()) {
    auto const fails = claimed_scenarios(row, true);
    auto const made_for = claimed_scenarios(row, false);
    rows.push_back({"  " + row.info.name, family_of(row), join(scenarios_of(row.needs), " "),
                    made_for.empty() ? "-" : join(made_for, " "), fails.empty() ? "-" : join(fails, " "),
                    yes(row.needs.task_at_training), yes(row.needs.task_at_test), short_memory(row)});
  }
  return columns(
             {"  name", "family", "runs in", "made for", "fails in", "task at training", "at test", "keeps (bytes)"},
             rows) +
         wrapped(
             "Scenarios: task-, domain-, class-incremental. Made for, fails in: against plain training, as its row "
             "claims and tests measure. Bytes: P parameters, T tasks, C classes, D features, M stored samples of d "
             "bytes each.",
             2);
}

int list(ListFlags const& flags) {
  Json all = everything();
  if (!flags.kind.empty()) {
    auto const kind = known_kind(all, flags.kind);
    all = Json{{kind, all[kind]}};
  }
  if (flags.json) {
    print(all.dump(1) + "\n");
    return 0;
  }
  if (all.size() == 1 && all.contains("strategies")) {
    print(bold("strategies") + "\n" + strategy_columns());
    say("`mneme explain NAME` tells more of each.");
    return 0;
  }
  for (auto const& [kind, parts] : all.items()) {
    std::vector<std::vector<std::string>> rows;
    for (auto const& part : parts)
      rows.push_back({"  " + part["name"].get<std::string>(), part["summary"].get<std::string>()});
    print(bold(kind) + "\n" + columns({}, rows));
  }
  say("`mneme explain NAME` tells more of each.");
  return 0;
}

}  // namespace

void add_list(Command& program) {
  auto const flags = std::make_shared<ListFlags>();
  auto& verb = program.verb("list", "list strategies, learners, nets, streams, their changes, datasets, experiments");
  verb.argument("kind", flags->kind, "one kind only, such as strategies", false);
  verb.flag("--json", flags->json,
            "print an object: kind to list of {name, summary}, for strategies with scenarios, needs and memory");
  verb.action([flags] { return list(*flags); });
}

}  // namespace mneme::app
