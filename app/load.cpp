#include "load.hpp"

#include <algorithm>
#include <filesystem>
#include <regex>
#include <sstream>

#include "mneme/core/errors.hpp"
#include "mneme/core/text.hpp"
#include "mneme/core/toml.hpp"
#include "mneme/experiment/data.hpp"
#include "terminal.hpp"
#include "values.hpp"

namespace mneme::app {
namespace fs = std::filesystem;
namespace {

std::string help_of(std::string const& key) {
  for (auto const& option : list_options<RunOptions>())
    if (option.key == key)
      return option.note.help + (option.note.choices.empty() ? "" : ": " + join(option.note.choices, " | "));
  throw Error("no option '" + key + "'");
}

void name_to_table(Json& owner, char const* key) {
  if (auto const found = owner.find(key); found != owner.end() && found->is_string()) *found = {{"kind", *found}};
}

void names_to_tables(Json& tree) {
  if (!tree.is_object()) return;
  for (auto const* key : {"stream", "learner", "strategy"}) name_to_table(tree, key);
  if (auto const learner = tree.find("learner"); learner != tree.end() && learner->is_object())
    name_to_table(*learner, "net");
  if (auto const arms = tree.find("arm"); arms != tree.end() && arms->is_object())
    for (auto& arm : *arms) names_to_tables(arm);
}

/// `strategy=er` replaces the part as a whole: options of the former strategy are none of er's.
std::string as_part(std::string const& assignment) {
  static std::regex const part(R"(((?:arm\.[^.=]+\.)?(?:stream|learner|learner\.net|strategy))\s*=\s*([\w-]+)\s*)");
  std::smatch match;
  if (!std::regex_match(assignment, match, part)) return assignment;
  return match[1].str() + "={ kind = \"" + match[2].str() + "\" }";
}

/// Paths of a configuration: of the user's data, and of a judge of their own.
template <class Change>
void each_own_path(Json& tree, Change change) {
  if (auto const judge = tree.find("judge"); judge != tree.end() && judge->is_object())
    if (auto const own = judge->find("experiment");
        own != judge->end() && own->is_string() && own->get_ref<std::string const&>().ends_with(".toml"))
      change(*own);
  auto const sets = tree.find("datasets");
  if (sets == tree.end() || !sets->is_object()) return;
  for (auto& set : *sets)
    for (auto const* key : {"train", "test", "train_labels", "test_labels"})
      if (set.is_object() && set.contains(key) && set[key].is_string()) change(set[key]);
}

void paths_from(Json& tree, fs::path const& folder) {
  each_own_path(tree, [&](Json& value) {
    fs::path const path = value.get<std::string>();
    if (!path.empty()) value = (folder / path).lexically_normal().string();
  });
  if (auto const arms = tree.find("arm"); arms != tree.end() && arms->is_object())
    for (auto& arm : *arms)
      if (arm.is_object()) paths_from(arm, folder);
}

/// Whether an arm has a value of its own for what is set above the arms. Strategies stand for themselves: an arm's own
/// takes nothing from above.
bool has_own(Json const& arm, std::string const& key) {
  if (key.starts_with("strategy")) return arm.contains("strategy");
  Json const* place = &arm;
  std::istringstream parts(key);
  for (std::string part; std::getline(parts, part, '.');) {
    auto const found = place->is_object() ? place->find(part) : place->end();
    if (found == place->end()) return false;
    place = &*found;
  }
  return true;
}

/// What is set above the arms changes nothing in those that have it of their own: said, or refused where all have.
void tell_unseen(Json const& tree, std::string const& assignment) {
  auto const equals = assignment.find('=');
  auto const trimmed = [](std::string text) {
    text.erase(0, text.find_first_not_of(" \t"));
    text.erase(text.find_last_not_of(" \t") + 1);
    return text;
  };
  auto const key = trimmed(assignment.substr(0, equals));
  bool const table = equals != std::string::npos && trimmed(assignment.substr(equals + 1)).starts_with('{');
  if (table && !key.starts_with("strategy")) return;  // merged with what the arms have
  if (key.starts_with("arm.") || !tree.contains("arm") || !tree["arm"].is_object()) return;
  std::vector<std::string> arms;
  for (auto const& [name, arm] : tree["arm"].items())
    if (arm.is_object() && has_own(arm, key)) arms.push_back(name);
  if (arms.empty()) return;
  auto const which = "-s arm." + arms.back() + "." + assignment;
  auto const top = key.substr(0, key.find('.'));
  if (arms.size() == tree["arm"].size())
    throw ConfigError("-s " + assignment + ": the arms " + join(arms) + " have " +
                      (top == "strategy" ? "strategies" : "a value") +
                      " of their own, so that this would change nothing. Say which one: " + which);
  if (top != "strategy")
    say("note: -s " + assignment + " leaves the arm" + (arms.size() == 1 ? " " : "s ") + join(arms) +
        (arms.size() == 1 ? " as it is, which has a value of its own: "
                          : " as they are, which have values of their own: ") +
        which);
}

}  // namespace

void add_change_flags(Command& command, ChangeFlags& flags) {
  command.option("-s,--set", "KEY=VALUE", flags.set,
                 "set one key of the configuration, such as -s train.epochs=3; may be repeated");
  command.option("--seed", "N", flags.seed, "run this seed only");
  command.option("--seeds", "A..B", flags.seeds, "seeds A to B, both included: " + help_of("seeds"));
  command.flag("--sample", flags.sample, "use the embedded sample of the data (the key data = \"sample\")");
  command.option("--device", "NAME", flags.device, help_of("device"));
  command.option("--threads", "N", flags.threads, help_of("threads"));
}

void add_data_flag(Command& command, std::vector<std::string>& folders) {
  command.option("--data", "DIR", folders,
                 "folder with data sets, searched before $MNEME_DATA and the user's cache; may be repeated");
}

DataSearch data_search(std::vector<std::string> const& folders) {
  for (auto const& folder : folders)
    if (!fs::is_directory(folder)) throw ConfigError("--data " + folder + ": there is no such folder");
  return DataSearch::standard({folders.begin(), folders.end()});
}

ConfigLayers load_experiment(std::string const& file_or_name) {
  bool const is_file = file_or_name.ends_with(".toml") || file_or_name.find('/') != std::string::npos;
  Json tree = is_file ? read_toml(file_or_name) : parse_toml(experiment_text(file_or_name), file_or_name);
  names_to_tables(tree);
  if (is_file) paths_from(tree, fs::absolute(file_or_name).parent_path());
  ConfigLayers layers;
  layers.add(file_or_name, tree);
  return layers;
}

void apply_changes(ConfigLayers& layers, ChangeFlags const& flags) {
  if (flags.seed && !flags.seeds.empty()) throw ConfigError("--seed and --seeds exclude each other; give one of them");
  for (auto const& assignment : flags.set) {
    layers.assign("-s", as_part(assignment));
    tell_unseen(layers.merged(), assignment);
  }
  auto const set_seeds = [&](std::string const& flag, std::string const& text) {
    std::vector<std::string> list;
    for (auto const seed : parse_seeds(text, flag)) list.push_back(std::to_string(seed));
    layers.assign(flag, "seeds=[" + join(list) + "]");
  };
  if (flags.seed) set_seeds("--seed", std::to_string(*flags.seed));
  if (!flags.seeds.empty()) set_seeds("--seeds", flags.seeds);
  if (flags.sample) layers.assign("--sample", "data=sample");
  if (!flags.device.empty()) layers.assign("--device", "device=" + flags.device);
  if (flags.threads) layers.assign("--threads", "threads=" + std::to_string(*flags.threads));
}

Json experiment_tree(ConfigLayers const& layers) {
  Json tree = layers.merged();
  paths_from(tree, fs::current_path());  // those that came with -s; the file's are absolute already
  return tree;
}

}  // namespace mneme::app
