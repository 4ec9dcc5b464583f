// mneme branch: goes on from a checkpoint of a stored run under other settings, in a new run folder.
#include <memory>

#include "execute.hpp"
#include "load.hpp"
#include "mneme/core/errors.hpp"
#include "mneme/core/text.hpp"
#include "process.hpp"
#include "stored.hpp"
#include "values.hpp"
#include "verbs.hpp"

namespace mneme::app {
namespace fs = std::filesystem;
namespace {

struct BranchFlags {
  std::string run, arm, name = "branch", out = "runs";
  ChangeFlags change;
  ExecuteFlags execute;
};

BranchPoint branch_point(std::string const& text) {
  BranchPoint point;
  auto const at = text.rfind('@');
  if (at == std::string::npos || fs::exists(text)) {
    point.run = text;
  } else {
    point.run = text.substr(0, at);
    point.checkpoint = text.substr(at + 1);
  }
  return point;
}

std::vector<std::string> kinds_of(Json const& strategy) {
  std::vector<std::string> kinds;
  for (auto const& part : as_list(strategy)) kinds.push_back(part.at("kind"));
  return kinds;
}

/// A strategy that watches or changes the first event cannot come to a run that went through it without it.
void refuse_late_comer(ArmPlan const& stored, ArmPlan const& branch) {
  if (branch.prefix == Prefix::kPlain) return;
  auto const kinds = kinds_of(branch.tree.at("strategy"));
  if (kinds == kinds_of(stored.tree.at("strategy"))) return;
  throw ConfigError("cannot branch into " + join(kinds) + ": it records or changes the training from the start, and " +
                    "the arm '" + stored.name + "' was trained without it. Run it from the beginning instead");
}

/// Its checkpoint holds the weights of the stored learner, which fit no other. What else a learner trains by may
/// change; an option that gives its weights other shapes is found out when the checkpoint is read.
void refuse_other_learner(ArmPlan const& stored, ArmPlan const& branch) {
  auto const& then = stored.tree.at("learner");
  auto const& now = branch.tree.at("learner");
  if (then.at("kind") == now.at("kind") && then.value("net", Json()) == now.value("net", Json())) return;
  throw CheckpointError("the checkpoint is of another net: the arm '" + stored.name + "' has learner = " + then.dump() +
                        ", the branch would have " + now.dump() + ". A branch keeps the learner's kind and its net");
}

/// The arm as an experiment of its own, its seeds those that have the checkpoint to begin at.
ExperimentPlan plan_branch(ArmPlan const& arm, BranchFlags const& flags) {
  ConfigLayers layers;
  layers.add("the stored run", arm.tree);
  apply_changes(layers, flags.change);
  Json tree = experiment_tree(layers);
  tree["arm"][flags.name]["strategy"] = tree.at("strategy");
  tree.erase("strategy");
  return plan_experiment(tree);
}

int branch(BranchFlags const& flags) {
  check_flags(flags.execute);
  auto point = branch_point(flags.run);
  auto const stored = stored_plan(point.run);
  auto const& arm = chosen_arm(stored, flags.arm);
  point.arm = arm.name;
  auto plan = plan_branch(arm, flags);
  refuse_other_learner(arm, plan.arms.front());
  refuse_late_comer(arm, plan.arms.front());
  use_threads(plan.options.threads);
  DataLibrary library(with_stored_folders(data_search(flags.execute.data), point.run));
  check_arms(plan, library);
  point.allow_drift = flags.execute.allow_drift;
  auto run = ExperimentRun::start(std::move(plan), flags.out, shell_line(arguments()), std::move(library), point);
  return execute(run, flags.execute);
}

}  // namespace

void add_branch(Command& program) {
  auto const flags = std::make_shared<BranchFlags>();
  auto& verb = program.verb("branch", "go on from a checkpoint of a stored run under another strategy or setting");
  verb.argument("run", flags->run,
                "the run's folder, and behind an @ the checkpoint (default @event-0: trained on the first task, the "
                "strategy's end of that event still to come)");
  verb.option("--arm", "NAME", flags->arm, "the arm to branch from; may be left out where the run has one only");
  verb.option("--name", "NAME", flags->name, "name of the new arm (default branch)");
  verb.option("--out", "DIR", flags->out, "folder of run folders (default runs)");
  add_change_flags(verb, flags->change);
  verb.flag("--allow-drift", flags->execute.allow_drift, "branch although torch, threads, processor or device differ");
  add_execute_flags(verb, flags->execute);
  verb.action([flags] { return branch(*flags); });
}

}  // namespace mneme::app
