// mneme unit (hidden): one prefix or arm of a run, for the process that holds the run's lock (jobs.cpp).
#include <memory>

#include "execute.hpp"
#include "jobs.hpp"
#include "load.hpp"
#include "mneme/core/errors.hpp"
#include "process.hpp"
#include "verbs.hpp"

namespace mneme::app {
namespace {

struct UnitFlags {
  std::string run, label, stop_after;
  bool allow_drift = false;
  std::vector<std::string> data;
};

int run_unit(UnitFlags const& flags) {
  die_with_parent();
  auto run = ExperimentRun::open(flags.run, data_search(flags.data), false);
  use_threads(run.plan().options.threads);
  for (auto const& wave : run.waves())
    for (auto const& unit : wave)
      if (unit.label() == flags.label)
        return execute_unit(run, unit, flags.allow_drift, Deadline(flags.stop_after).seconds_left());
  throw ConfigError("the run has no unit '" + flags.label + "'");
}

}  // namespace

void add_unit(Command& program) {
  auto const flags = std::make_shared<UnitFlags>();
  auto& verb = program.verb("unit", "one arm and seed of a run whose lock another process holds", true);
  verb.argument("run", flags->run, "the run's folder");
  verb.argument("label", flags->label, "<arm>/seed-<n> or shared/<n>/seed-<n>");
  verb.flag("--allow-drift", flags->allow_drift, "as in resume");
  verb.option("--stop-after", "DURATION", flags->stop_after, "as in run");
  add_data_flag(verb, flags->data);
  verb.action([flags] { return run_unit(*flags); });
}

}  // namespace mneme::app
