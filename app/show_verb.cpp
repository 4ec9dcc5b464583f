// mneme show: what a run is and where it stands.
#include <memory>

#include "load.hpp"
#include "mneme/core/errors.hpp"
#include "mneme/core/text.hpp"
#include "mneme/experiment/run.hpp"
#include "mneme/report/headline.hpp"
#include "mneme/strategies/list.hpp"
#include "mneme/train/checkpoint.hpp"
#include "results.hpp"
#include "stored.hpp"
#include "terminal.hpp"
#include "values.hpp"
#include "verbs.hpp"

namespace mneme::app {
namespace {

using Rows = std::vector<std::vector<std::string>>;

struct ShowFlags {
  std::string run;
  bool json = false;
};

std::string part_text(Json const& part) {
  std::vector<std::string> options;
  for (auto const& [key, value] : part.items())
    if (key != "kind" && key != "net" && key != "with") options.push_back(key + " = " + value.dump());
  auto text = part.at("kind").get<std::string>() + (options.empty() ? "" : " (" + join(options) + ")");
  for (auto const& change : part.value("with", Json::array())) text += ", " + part_text(change);
  return text;
}

std::string boundary_text(Json const& train) {
  return train.at("at_boundary") == "new" ? "new at the start of every event" : "kept from event to event";
}

std::string held_out_text(Json const& train) {
  if (train.at("patience").get<double>() == 0) return "none: all training data is trained on (no early stop)";
  return format_number(100 * train.at("held_out").get<double>()) + " % of every class, for early stop after " +
         train.at("patience").dump() + " epochs without a better loss";
}

std::string yes_or_no(bool value) { return value ? "yes" : "no"; }

/// What the stream says of itself. It is made of its data: that has to be here.
Rows stream_rows(ArmPlan const& arm, std::int64_t seed) {
  try {
    DataLibrary library(data_search({}));
    auto const stream = build_arm(arm.tree, "arm." + arm.name, seed, library).stream;
    auto const& visible = stream.visibility;
    Rows rows = {{"scenario", stream.scenario + ", " + std::to_string(stream.events.size()) + " events"},
                 {"visible", "task id in training: " + yes_or_no(visible.task_at_training) +
                                 ", at test: " + yes_or_no(visible.task_at_test) + ", task boundaries: " +
                                 yes_or_no(visible.boundaries) + ", labels: " + yes_or_no(visible.labels)}};
    for (auto const& [about, what] : stream.notes) rows.push_back({about, what});
    return rows;
  } catch (DataError const&) {
    return {{"scenario", "not told: the run's data is not on this machine"}};
  }
}

Rows setting_rows(Json const& tree) {
  auto const& learner = tree.at("learner");
  Rows rows = {{"stream", part_text(tree.at("stream"))}, {"learner", part_text(learner)}};
  if (learner.contains("net")) rows.push_back({"net", part_text(learner["net"])});
  auto const& train = tree.at("train");
  rows.push_back({"optimizer", train.value("optimizer", "") + ", " + boundary_text(train)});
  rows.push_back({"held out", held_out_text(train)});
  rows.push_back({"epochs, batch", train.at("epochs").dump() + ", " + train.at("batch").dump()});
  return rows;
}

/// Names of the checkpoints in an arm's folder, oldest first; of many the first and the last three.
std::string checkpoints_text(std::filesystem::path const& folder) {
  constexpr std::size_t kLast = 3;
  auto names = CheckpointStore(folder / "checkpoints", 0).names();
  if (names.size() > kLast + 1) {
    names[1] = "...";
    names.erase(names.begin() + 2, names.end() - kLast);
  }
  return join(names);
}

Rows arm_rows(ExperimentPlan const& plan, RunFolder const& folder) {
  Rows rows;
  for (auto const& arm : plan.arms)
    for (auto const seed : plan.options.seeds) {
      std::string status = "not begun", where, checkpoints;
      for (auto const& run : folder.arms)
        if (run.arm == arm.name && run.seed == seed) {
          status = run.status;
          where = run.matrix.rows.empty() ? "" : row_name(run.matrix.rows.back());
          where += (where.empty() ? "step " : ", step ") + run.summary_entry.value("steps", Json(0)).dump();
          checkpoints = checkpoints_text(run.folder);
        }
      rows.push_back({"  " + arm.name, std::to_string(seed),
                      StrategyList(arm.tree.at("strategy"), "strategy", 0).describe(), status, where, checkpoints});
    }
  return rows;
}

/// Why arms have failed.
std::string failures(RunFolder const& folder) {
  std::string text;
  for (auto const& run : folder.arms)
    if (!run.error.empty())
      text += wrapped(run.arm + ", seed " + std::to_string(run.seed) + ", failed: " + run.error) + "\n";
  return text;
}

/// Where the samples come from: the embedded part, the catalogue's sets, and sets that the configuration describes.
std::string data_text(ExperimentPlan const& plan) {
  std::string const catalogue =
      plan.options.data == "sample" ? "the embedded sample, not the full sets" : "the full sets";
  std::vector<std::string> own;
  auto const tables = plan.tree.value("datasets", Json::object());
  for (auto const& [name, table] : tables.items()) own.push_back(name);
  return own.empty() ? catalogue : "your own: " + join(own) + "; any other: " + catalogue;
}

int show(ShowFlags const& flags) {
  auto const plan = stored_plan(flags.run);
  auto const folder = RunFolder::read(flags.run);
  auto const status = run_status(flags.run, folder.summary);
  if (flags.json) {
    auto summary = folder.summary;
    summary["status"] = status;
    print(summary.dump(1) + "\n");
    return 0;
  }
  auto const& first = plan.arms.front();
  Rows rows = {{"status", status},
               {"created", folder.text("created")},
               {"command", folder.text("command")},
               {"data", data_text(plan)}};
  for (auto& row : stream_rows(first, plan.options.seeds.front())) rows.push_back(std::move(row));
  for (auto& row : setting_rows(first.tree)) rows.push_back(std::move(row));
  print(bold(folder.text("title", plan.options.name)) + "\n" + columns({}, rows) + "\n" +
        columns({"  arm", "seed", "strategy", "status", "where it stands", "checkpoints"}, arm_rows(plan, folder)) +
        "\n" + failures(folder) + results_table(folder));
  for (auto const& board : make_boards({&folder, 1})) print(wrapped(headline(board)));
  for (auto const& note : folder.notes) say("note: " + note);
  if (status == "stopped" || status == "interrupted") say("Resume with: mneme resume " + shell_line({flags.run}));
  return 0;
}

}  // namespace

void add_show(Command& program) {
  auto const flags = std::make_shared<ShowFlags>();
  auto& verb = program.verb("show", "what a run is, where it stands and what it found");
  verb.argument("run", flags->run, "the run's folder");
  verb.flag("--json", flags->json, "print its summary.json, its status as it is now");
  verb.action([flags] { return show(*flags); });
}

}  // namespace mneme::app
