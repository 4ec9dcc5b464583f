// mneme list: what there is, by kind.
#include <memory>

#include "mneme/core/errors.hpp"
#include "mneme/core/toml.hpp"
#include "mneme/data/catalogue.hpp"
#include "mneme/experiment/plan.hpp"
#include "mneme/learners/learner.hpp"
#include "mneme/strategies/strategy.hpp"
#include "parts.hpp"
#include "terminal.hpp"
#include "verbs.hpp"

namespace mneme::app {
namespace {

struct ListFlags {
  std::string kind;
  bool json = false;
};

/// {kind: [{name, summary}]}
Json everything() {
  Json all = Json::object();
  for (auto const& kind : kinds())
    for (auto const* part : kind.parts) all[kind.plural].push_back({{"name", part->name}, {"summary", part->summary}});
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
  verb.flag("--json", flags->json, "print an object: kind to list of {name, summary}");
  verb.action([flags] { return list(*flags); });
}

}  // namespace mneme::app
