// mneme revisit: figures, pictures and judgements of a finished run once more, from its checkpoints.
#include <algorithm>
#include <filesystem>
#include <memory>

#include "load.hpp"
#include "mneme/core/errors.hpp"
#include "mneme/experiment/revisit.hpp"
#include "mneme/io/json_file.hpp"
#include "process.hpp"
#include "results.hpp"
#include "terminal.hpp"
#include "verbs.hpp"

namespace mneme::app {
namespace {

struct RevisitFlags {
  std::string run, judge;
  std::vector<std::string> arms, folders;
  std::optional<std::int64_t> samples;
};

int revisit_run(RevisitFlags const& flags) {
  auto run = ExperimentRun::open(flags.run, data_search(flags.folders));
  use_threads(run.plan().options.threads);
  DataLibrary library(with_stored_folders(data_search(flags.folders), flags.run));
  RevisitOptions options;
  options.on_line = [](std::string const& line) { say(line); };
  if (!flags.judge.empty())  // a path as a run's own stands in its config.toml
    options.judge = flags.judge.ends_with(".toml") ? std::filesystem::absolute(flags.judge).lexically_normal().string()
                                                   : flags.judge;
  options.samples = flags.samples;
  auto const& arms = run.plan().arms;
  bool const judged =
      options.judge || std::ranges::any_of(arms, [](auto const& arm) { return arm.tree.contains("judge"); });
  constexpr std::int64_t kMost = 100000;
  if (flags.samples && (*flags.samples < 1 || *flags.samples > kMost))
    throw ConfigError("--samples " + std::to_string(*flags.samples) + ": must be 1 to " + std::to_string(kMost));
  if (flags.samples && !judged)
    throw ConfigError("--samples: how many a judge is shown, and this run has none; name one with --judge");
  for (auto const& name : flags.arms) static_cast<void>(run.plan().arm(name));
  std::size_t done = 0;
  auto const waves = run.waves();
  for (auto const& unit : waves.back()) {  // the arms
    bool const wanted =
        flags.arms.empty() ? run.finished(unit) : std::ranges::find(flags.arms, unit.arm) != flags.arms.end();
    if (!wanted) continue;
    revisit(run, unit.arm, unit.seed, options, library);
    ++done;
  }
  if (done == 0) throw ConfigError(flags.run + ": no arm is finished yet, so that there is nothing to revisit");
  auto const status = read_json(run.folder() / "summary.json").value("status", "finished");
  run.write_summary(status);
  auto const folder = RunFolder::read(run.folder());
  print(results_table(folder) + "report  " + write_report(folder).string() + "\n");
  return 0;
}

}  // namespace

void add_revisit(Command& program) {
  auto const flags = std::make_shared<RevisitFlags>();
  auto& verb = program.verb(
      "revisit", "make figures, pictures, codes and judgements of a finished run anew, from its checkpoints");
  verb.argument("run", flags->run, "the run's folder");
  verb.option("--arm", "NAME", flags->arms, "an arm; may be repeated (default: all that are finished)");
  verb.option("--judge", "NAME", flags->judge,
              "experiment that trains a judge of what is drawn, of the catalogue or a .toml file (default: as the run "
              "had it)");
  verb.option("--samples", "N", flags->samples, "images that it judges of each class (default 1000)");
  verb.option("--data", "DIR", flags->folders, "folder with the run's data sets, as for `mneme run`");
  verb.action([flags] { return revisit_run(*flags); });
}

}  // namespace mneme::app
