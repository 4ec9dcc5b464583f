#include "mneme/experiment/plan.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "mneme/core/config.hpp"
#include "mneme/core/embedded.hpp"
#include "mneme/core/errors.hpp"
#include "mneme/core/text.hpp"
#include "mneme/core/toml.hpp"
#include "mneme/experiment/data.hpp"
#include "mneme/experiment/judge.hpp"
#include "mneme/experiment/risk.hpp"
#include "mneme/learners/learner.hpp"
#include "mneme/strategies/list.hpp"
#include "mneme/stream/changes.hpp"
#include "mneme/stream/makers.hpp"
#include "mneme/train/trainer.hpp"

namespace mneme {
namespace {

std::vector<std::string> const kSections = {"stream", "learner", "train",    "evaluate", "datasets",
                                            "judge",  "risk",    "strategy", "arm"};

Json as_table(Json const& value, std::string const& where) {
  if (value.is_string()) return {{"kind", value}};
  if (value.is_object() && value.contains("kind") && value["kind"].is_string()) return value;
  throw ConfigError(where + ": expected a name or a table with `kind`, found " + value.dump());
}

/// The part's own name in place of an alias, and every option. Tables of further parts are left to the caller.
template <class Row>
Json resolve_part(std::span<Row const> rows, std::string const& kind, Json const& value, std::string const& where,
                  std::string const& further = "") {
  auto table = as_table(value, where);
  auto const& row = find_row(rows, kind, table["kind"].template get<std::string>());
  table["kind"] = row.info.name;
  std::vector<std::string> others = {"kind"};
  if (!further.empty()) others.push_back(further);
  return complete_options(row.info.options(), table, where, others);
}

/// The maker's options, then `with`: what is changed about the stream, if anything.
Json resolve_stream(Json const& value, std::string const& where) {
  auto stream = resolve_part(stream_table(), "stream", value, where, "with");
  if (!stream.contains("with")) return stream;
  Json changes = Json::array();
  Json const wanted = as_list(stream["with"]);
  for (std::size_t i = 0; i < wanted.size(); ++i)
    changes.push_back(resolve_part(change_table(), "stream change", wanted[i], where + ".with." + std::to_string(i)));
  stream.erase("with");  // its place is the last, wherever it was written
  if (!changes.empty()) stream["with"] = changes;
  return stream;
}

Json resolve_strategy(Json const& value, std::string const& where) {
  if (!value.is_array()) return resolve_part(strategy_table(), "strategy", value, where);
  Json list = Json::array();
  for (std::size_t i = 0; i < value.size(); ++i)
    list.push_back(resolve_part(strategy_table(), "strategy", value[i], where + "." + std::to_string(i)));
  return list;
}

/// ConfigError that begins with `otherwise` where the catalogue has no such experiment.
void expect_experiment(std::string const& name, std::string const& otherwise) {
  auto const names = experiment_names();
  if (std::find(names.begin(), names.end(), name) == names.end())
    throw ConfigError(otherwise + ": " + suggestion(name, names));
}

/// A run may be resumed from another folder than it was started in.
std::string absolute_path(std::string const& path) {
  return std::filesystem::absolute(path).lexically_normal().string();
}

Json resolve_judge(Json const& value, std::string const& where) {
  auto judge = read_options<JudgeOptions>(value, where);
  auto& experiment = judge.experiment;
  if (!experiment.ends_with(".toml")) {
    expect_experiment(experiment, where + ".experiment: '" + experiment +
                                      "' is no experiment of the catalogue (and no path that ends in .toml)");
  } else {  // whether it is there is asked when it is needed: a stored run can be looked at without
    experiment = absolute_path(experiment);
  }
  return write_options(judge);
}

Json resolve_learner(Json const& value, std::string const& where) {
  auto const kind = as_table(value, where)["kind"].get<std::string>();
  if (find_row(learner_table(), "learner", kind).info.name != "classifier")
    return resolve_part(learner_table(), "learner", value, where);
  auto learner = resolve_part(learner_table(), "learner", value, where, "net");
  auto const net = resolve_part(net_table(), "net", learner.value("net", Json("mlp")), where + ".net");
  learner.erase("net");  // its place is the last, wherever it was written
  learner["net"] = net;
  return learner;
}

/// One arm's tree with all defaults; checks every table.
Json resolve_arm(Json tree, std::string const& where) {
  auto const at = [&](std::string const& key) { return where.empty() ? key : where + "." + key; };
  for (auto const& required : {"stream", "learner"})
    if (!tree.contains(required)) throw ConfigError("the configuration has no [" + std::string(required) + "] table");
  auto const run = read_options<RunOptions>(tree, where, kSections);
  Json resolved = write_options(run);
  resolved["stream"] = resolve_stream(tree["stream"], at("stream"));
  resolved["learner"] = resolve_learner(tree["learner"], at("learner"));
  resolved["train"] = write_options(read_options<TrainOptions>(tree.value("train", Json::object()), at("train")));
  resolved["evaluate"] =
      write_options(read_options<EvaluationOptions>(tree.value("evaluate", Json::object()), at("evaluate")));
  if (tree.contains("judge")) resolved["judge"] = resolve_judge(tree["judge"], at("judge"));
  if (tree.contains("risk")) resolved["risk"] = write_options(read_options<RiskOptions>(tree["risk"], at("risk")));
  if (tree.contains("datasets")) {
    for (auto const& [name, table] : tree["datasets"].items()) {
      if (name.empty() || name.front() == '.' || name.find('/') != std::string::npos)
        throw ConfigError(at("datasets.\"" + name + "\"") +
                          ": a data set's name is a file's name in the run folder; use letters, digits, '-' and '_'");
      auto own = read_options<OwnDataOptions>(table, at("datasets." + name));
      for (auto* path : {&own.train, &own.test, &own.train_labels, &own.test_labels})
        if (!path->empty()) *path = absolute_path(*path);
      resolved["datasets"][name] = write_options(own);
    }
  }
  resolved["strategy"] = resolve_strategy(tree.value("strategy", Json("naive")), at("strategy"));
  StrategyList const checked(resolved["strategy"], at("strategy"), 0);
  return resolved;
}

/// An arm that names another part of a kind replaces it: the options of one net mean nothing to another.
void replace_other_parts(Json& own, Json const& changes) {
  auto const kind = [](Json const& part) { return part.is_object() ? part.value("kind", "") : part.dump(); };
  if (changes.contains("strategy")) own.erase("strategy");  // a strategy is replaced, never merged
  for (auto const* key : {"stream", "learner"})
    if (changes.contains(key) && own.contains(key) && changes[key].contains("kind") &&
        kind(changes[key]) != kind(own[key]))
      own.erase(key);
  if (changes.contains("learner") && changes["learner"].contains("net") && own.contains("learner") &&
      own["learner"].is_object() && own["learner"].contains("net") &&
      (!changes["learner"]["net"].is_object() || changes["learner"]["net"].contains("kind")) &&
      kind(changes["learner"]["net"]) != kind(own["learner"]["net"]))
    own["learner"].erase("net");
}

}  // namespace

void RunOptions::describe(OptionVisitor& v) {
  v.field("name", name, {.help = "name of the experiment; its folder under --out"});
  v.field("title", title, {.help = "headline of the report"});
  v.field("description", description, {.help = "one or two sentences for the report"});
  v.field("data", data, {.help = "the full data sets, or the embedded sample", .choices = {"full", "sample"}});
  v.field("seeds", seeds, {.help = "one run of every arm for each", .min = 0, .max = 9007199254740992.0});
  v.field("device", device, {.help = "where tensors live", .choices = {"auto", "cpu", "cuda"}});
  v.field("threads", threads, {.help = "threads of one arm; part of a run's identity", .min = 1});
  v.field("checkpoint_seconds", checkpoint_seconds,
          {.help = "time between periodic checkpoints", .unit = "s", .min = 0});
}

ArmPlan const& ExperimentPlan::arm(std::string const& name) const {
  std::vector<std::string> names;
  for (auto const& arm : arms) {
    if (arm.name == name) return arm;
    names.push_back(arm.name);
  }
  throw ConfigError("no arm '" + name + "': " + suggestion(name, names));
}

ExperimentPlan plan_experiment(Json const& tree) {
  ExperimentPlan plan;
  plan.options = read_options<RunOptions>(tree, "", kSections);
  if (plan.options.seeds.empty()) throw ConfigError("seeds: empty; name at least one seed");
  if (std::set<std::int64_t>(plan.options.seeds.begin(), plan.options.seeds.end()).size() != plan.options.seeds.size())
    throw ConfigError("seeds: a seed stands twice; its second run would be the first again");
  if (auto const& name = plan.options.name; name.empty() || name.front() == '.' || name.find('/') != std::string::npos)
    throw ConfigError("name: '" + name + "' cannot be a folder's name; use letters, digits, '-' and '_'");
  Json base = tree;
  base.erase("arm");
  Json const resolved = resolve_arm(base, "");  // what is wrong at the top is named as it was written there
  if (tree.contains("arm")) {
    if (!tree["arm"].is_object() || tree["arm"].empty())
      throw ConfigError("arm: expected tables such as [arm.ewc], found " + tree["arm"].dump());
    for (auto const& [name, changes] : tree["arm"].items()) {
      if (name.find('/') != std::string::npos || name.empty() || name.front() == '.')
        throw ConfigError("arm.\"" + name + "\": an arm's name is a folder's name; use letters, digits, '-' and '_'");
      Json own = base;
      for (auto const& option : list_options<RunOptions>())
        if (changes.contains(option.key))
          throw ConfigError("arm." + name + "." + option.key + ": belongs to the whole run; set `" + option.key +
                            "` at the top, or make another experiment");
      replace_other_parts(own, changes);
      merge(own, changes);
      plan.arms.push_back({name, resolve_arm(own, "arm." + name)});
    }
  } else {
    plan.arms.push_back({"main", resolved});
  }

  // Arms that differ in nothing but strategies which leave the first event's training as it is, and in requests to
  // forget, share that training.
  std::map<std::string, std::vector<ArmPlan*>> groups;
  for (auto& arm : plan.arms) {
    StrategyList const strategies(arm.tree["strategy"], "arm." + arm.name + ".strategy", 0);
    arm.prefix = strategies.prefix();
    // Without boundaries there is one event, in which what strategies watch they use at once.
    if (arm.prefix == Prefix::kChanges || !has_boundaries(arm.tree["stream"])) continue;
    Json key = arm.tree;
    key.erase("strategy");
    key["stream"] = without_requests(key["stream"]);
    groups[key.dump()].push_back(&arm);
  }
  for (auto const& arm : plan.arms)  // numbered in the order of the arms, not of the keys
    for (auto& [key, members] : groups)
      if (members.size() > 1 && members.front()->name == arm.name) {
        for (auto* member : members) member->shared = plan.shared_prefixes;
        ++plan.shared_prefixes;
      }

  // The resolved tree: what the arms have in common once, and per arm its strategy and what it changes.
  plan.tree = plan.arms.front().tree;
  if (tree.contains("arm")) {
    plan.tree = resolved;
    plan.tree.erase("strategy");
    for (auto const& arm : plan.arms) {
      Json own = Json::object();
      for (auto const& [key, value] : arm.tree.items())
        if (!plan.tree.contains(key) || plan.tree[key] != value) own[key] = value;
      plan.tree["arm"][arm.name] = own;
    }
  }
  return plan;
}

ExperimentPlan stored_plan(std::filesystem::path const& run) {
  auto const config = run / "config.toml";
  if (!std::filesystem::exists(config))
    throw DataError(
        run.string() +
        ": is no run folder (it has no config.toml); `mneme runs` lists them, and one that was killed while "
        "a branch was laid out has to be asked for again");
  return plan_experiment(read_toml(config));
}

std::string config_text(ExperimentPlan const& plan) {
  std::string notes;
  for (auto const& arm : plan.arms) {
    for (auto const& member : as_list(arm.tree.at("strategy"))) {
      auto const& row = find_row(strategy_table(), "strategy", member.at("kind").get<std::string>());
      if (row.canonical_lambda == nullptr) continue;
      auto const canonical = row.canonical_lambda(member, arm.tree.at("train").at("batch").get<std::int64_t>());
      notes += "# arm " + arm.name + ": lambda = " + member.at("lambda").dump() + " of " + row.info.name + " is " +
               format_number(canonical) + " in (lambda/2) sum F d^2 beside a loss that is a mean over the batch\n";
    }
  }
  auto const text = to_toml(plan.tree);
  return notes.empty() ? text : text + "\n" + notes;
}

void keep_arms(ExperimentPlan& plan, std::vector<std::string> const& names) {
  if (names.empty()) return;
  for (auto const& name : names) static_cast<void>(plan.arm(name));
  std::erase_if(plan.arms,
                [&](ArmPlan const& arm) { return std::find(names.begin(), names.end(), arm.name) == names.end(); });
  Json tree = plan.tree;
  if (tree.contains("arm"))
    for (auto const& [name, value] : plan.tree["arm"].items())
      if (std::find(names.begin(), names.end(), name) == names.end()) tree["arm"].erase(name);
  plan = plan_experiment(tree);
}

Json experiment_schema() {
  Json schema = options_schema(list_options<RunOptions>());
  auto const part = [](auto rows) {
    Json choices = Json::array();
    for (auto const& row : rows) {
      Json own = options_schema(row.info.options());
      own["description"] = row.info.summary;
      own["properties"]["kind"] = {{"const", row.info.name}};
      own["required"] = {"kind"};
      choices.push_back({{"const", row.info.name}});
      choices.push_back(own);
    }
    return Json{{"anyOf", choices}};
  };
  schema["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  schema["title"] = "Mneme experiment";
  auto& properties = schema["properties"];
  Json stream = part(stream_table());
  Json const change = part(change_table());
  for (auto& choice : stream["anyOf"])
    if (choice.contains("properties"))
      choice["properties"]["with"] = {{"anyOf", {change, {{"type", "array"}, {"items", change}}}}};
  properties["stream"] = stream;
  Json learner = part(learner_table());
  for (auto& choice : learner["anyOf"])
    if (choice.contains("properties") && choice["properties"]["kind"]["const"] == "classifier")
      choice["properties"]["net"] = part(net_table());
  properties["learner"] = learner;
  Json const strategy = part(strategy_table());
  properties["strategy"] = {{"anyOf", {strategy, {{"type", "array"}, {"items", strategy}}}}};
  properties["train"] = options_schema(list_options<TrainOptions>());
  properties["evaluate"] = options_schema(list_options<EvaluationOptions>());
  properties["judge"] = options_schema(list_options<JudgeOptions>());
  properties["risk"] = options_schema(list_options<RiskOptions>());
  properties["datasets"] = {{"type", "object"},
                            {"additionalProperties", options_schema(list_options<OwnDataOptions>())}};
  Json arm = {{"type", "object"}, {"properties", properties}, {"additionalProperties", false}};
  properties["arm"] = {{"type", "object"}, {"additionalProperties", arm}};
  return schema;
}

std::vector<std::string> experiment_names() {
  std::vector<std::string> names;
  for (auto const& file : embedded_files("experiments/")) {
    auto name = file.substr(std::string("experiments/").size());
    names.push_back(name.substr(0, name.rfind(".toml")));
  }
  return names;
}

std::string experiment_text(std::string const& name) {
  expect_experiment(name, "no experiment '" + name + "' in the catalogue, and no such file");
  return std::string(embedded_file("experiments/" + name + ".toml"));
}

}  // namespace mneme
