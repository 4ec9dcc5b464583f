#include "execute.hpp"

#include <algorithm>

#include "console.hpp"
#include "failure.hpp"
#include "jobs.hpp"
#include "load.hpp"
#include "mneme/core/errors.hpp"
#include "mneme/core/interrupt.hpp"
#include "mneme/experiment/judge.hpp"
#include "mneme/experiment/risk.hpp"
#include "mneme/train/trainer.hpp"
#include "results.hpp"
#include "terminal.hpp"
#include "values.hpp"

namespace mneme::app {
namespace {

constexpr int kStoppedStatus = static_cast<int>(ExitCode::kStopped);

int here(ExperimentRun& run, ExecuteFlags const& flags, Deadline const& deadline) {
  int first = 0;
  for (auto const& wave : run.waves())
    for (auto const& unit : wave) {
      if (run.finished(unit) || !run.ready(unit)) continue;
      int const status = execute_unit(run, unit, flags.allow_drift, deadline.seconds_left());
      if (first == 0) first = status;
      if (ends_the_run(status)) return first;
    }
  return first;
}

/// How the lines about a unit show its learner's metric.
MetricStyle style_of(ExperimentPlan const& plan, Unit const& unit) {
  auto const arm = std::find_if(plan.arms.begin(), plan.arms.end(), [&](ArmPlan const& a) {
    return unit.shared >= 0 ? a.shared == unit.shared : a.name == unit.arm;
  });
  auto const& learner = arm->tree.at("learner");
  if (learner.at("kind").get<std::string>().ends_with("vae")) return metric_style("negative_elbo");
  return metric_style(learner.value("mode", "") == "unsupervised" ? "squared_error" : "accuracy");
}

bool stopped(int status) { return status == kStoppedStatus || status > 128; }

/// A diverged run comes out the same when it is resumed: settings are changed by a branch.
std::string how_to_go_on(int status, std::string const& run) {
  if (stopped(status)) return "Resume with: mneme resume " + run;
  if (status == static_cast<int>(ExitCode::kDiverged))
    return "Start anew under other settings, or go on from a checkpoint that `mneme show " + run +
           "` names: mneme branch " + run + "@CHECKPOINT --arm ARM -s seeds=[SEED] -s KEY=VALUE";
  return "When the cause is mended, go on with: mneme resume " + run;
}

void print_results(ExperimentRun const& run, bool json) {
  auto const folder = RunFolder::read(run.folder());
  auto const report = write_report(folder);
  print(json ? folder.summary.dump(1) + "\n"
             : results_table(folder) + "run     " + run.folder().string() + "\nreport  " + report.string() + "\n");
}

}  // namespace

void add_execute_flags(Command& command, ExecuteFlags& flags) {
  command.option("--jobs", "N", flags.jobs, "run so many arms and seeds at once, each in its own process (default 1)");
  command.option("--stop-after", "DURATION", flags.stop_after,
                 "stop with a checkpoint after 90s, 10m or 1h; the run can be resumed");
  command.flag("--json", flags.json, "print summary.json instead of the table");
  add_data_flag(command, flags.data);
}

bool ends_the_run(int status) { return stopped(status) || status == static_cast<int>(ExitCode::kIo); }

int execute_unit(ExperimentRun& run, Unit const& unit, bool allow_drift, std::optional<double> seconds) {
  Console console(style_of(run.plan(), unit));
  ExecuteOptions options;
  options.allow_drift = allow_drift;
  options.stop_after_seconds = seconds;
  options.on_files = [&](Unit const& begun, RunFiles& files) { console.begin(begun, files); };
  options.observers = {&console};
  options.on_judge = [&](std::string const& name) {
    say(unit.label() + "  the judge '" + name + "' is trained first, and kept for later runs");
  };
  try {
    if (int const signal = interrupt_signal().load(); signal != 0) throw Stopped("not begun", signal);
    run.execute(unit, options);
    return 0;
  } catch (std::exception const& failure) {
    end_progress();
    return report_failure(failure, unit.label());
  }
}

void check_flags(ExecuteFlags const& flags) {
  if (auto const jobs = flags.jobs.value_or(1); jobs < 1)
    throw ConfigError("--jobs " + std::to_string(jobs) + ": must be at least 1");
  static_cast<void>(Deadline(flags.stop_after));
}

int execute(ExperimentRun& run, ExecuteFlags const& flags) {
  check_flags(flags);
  Deadline const deadline(flags.stop_after);
  say("run " + run.folder().string());
  int status = flags.jobs.value_or(1) > 1 ? in_processes(run, flags, deadline) : here(run, flags, deadline);
  for (auto const& wave : run.waves())
    for (auto const& unit : wave)
      if (!run.ready(unit)) say(unit.label() + "  not begun: the part that it shares with other arms has failed");
  end_progress();
  try {
    run.write_summary(status == 0 ? "finished" : stopped(status) ? "stopped" : "failed");
    print_results(run, flags.json);
  } catch (std::exception const& failure) {
    int const second = report_failure(failure);
    if (status == 0) status = second;
  }
  if (status != 0) say(how_to_go_on(status, shell_line({run.folder().string()})));
  return status;
}

void check_arms(ExperimentPlan const& plan, DataLibrary& library) {
  for (auto const& arm : plan.arms) {
    auto const built = build_arm(arm.tree, "arm." + arm.name, plan.options.seeds.front(), library);
    built.trainer->rehearse(built.stream);
    if (arm.tree.contains("judge")) check_judge(read_options<JudgeOptions>(arm.tree.at("judge"), "judge"), arm.tree);
    if (arm.tree.contains("risk"))
      check_risk(built.stream, *built.trainer, read_options<TrainOptions>(arm.tree.at("train"), "train"));
  }
}

}  // namespace mneme::app
