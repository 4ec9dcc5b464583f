// mneme resume: goes on with a run that was stopped, killed or failed.
#include <memory>

#include "execute.hpp"
#include "load.hpp"
#include "mneme/nets/device.hpp"
#include "process.hpp"
#include "verbs.hpp"

namespace mneme::app {
namespace {

struct ResumeFlags {
  std::string run;
  ExecuteFlags execute;
};

int resume(ResumeFlags const& flags) {
  auto run = ExperimentRun::open(flags.run, data_search(flags.execute.data));
  static_cast<void>(find_device(run.plan().options.device));  // refused before the run's record says that it failed
  use_threads(run.plan().options.threads);
  return execute(run, flags.execute);
}

}  // namespace

void add_resume(Command& program) {
  auto const flags = std::make_shared<ResumeFlags>();
  auto& verb = program.verb("resume", "go on with a run that was stopped or killed; it ends as if it never had been");
  verb.argument("run", flags->run, "the run's folder");
  verb.flag(
      "--allow-drift", flags->execute.allow_drift,
      "go on although torch, threads, processor or device differ: the result is no longer bit for bit that of one run");
  add_execute_flags(verb, flags->execute);
  verb.action([flags] { return resume(*flags); });
}

}  // namespace mneme::app
