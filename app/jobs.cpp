#include "jobs.hpp"

#include <algorithm>
#include <map>

#include "execute.hpp"
#include "mneme/core/errors.hpp"
#include "mneme/core/interrupt.hpp"
#include "mneme/core/text.hpp"
#include "process.hpp"
#include "terminal.hpp"
#include "values.hpp"

namespace mneme::app {
namespace {

/// The command line of the hidden verb `unit` (unit_verb.cpp).
std::vector<std::string> words_for(ExperimentRun const& run, Unit const& unit, ExecuteFlags const& flags,
                                   std::optional<double> seconds) {
  std::vector<std::string> words = {"unit", run.folder().string(), unit.label()};
  if (talk_level() != Talk::kVerbose) words.emplace_back("-q");
  if (flags.allow_drift) words.emplace_back("--allow-drift");
  if (seconds) words.insert(words.end(), {"--stop-after", format_number(std::max(*seconds, 0.001))});
  for (auto const& folder : flags.data) words.insert(words.end(), {"--data", folder});
  return words;
}

}  // namespace

Deadline::Deadline(std::string const& duration) {
  if (duration.empty()) return;
  std::chrono::duration<double> const time(parse_duration(duration, "--stop-after"));
  end_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(time);
}

std::optional<double> Deadline::seconds_left() const {
  if (!end_) return std::nullopt;
  return std::max(0.0, std::chrono::duration<double>(*end_ - Clock::now()).count());
}

int in_processes(ExperimentRun& run, ExecuteFlags const& flags, Deadline const& deadline) {
  std::vector<Unit> waiting;
  for (auto const& wave : run.waves())
    std::copy_if(wave.begin(), wave.end(), std::back_inserter(waiting),
                 [&](Unit const& u) { return !run.finished(u); });
  std::map<int, std::string> labels;  // of what runs, by process
  std::vector<int> processes;
  int first = 0;
  while (!waiting.empty() || !processes.empty()) {
    if (interrupt_signal().load() != 0) {
      if (first == 0) first = 128 + interrupt_signal().load();
      waiting.clear();
    }
    // An arm waits for its own prefix only, until the process has ended that writes it; where it has failed, for ever.
    auto const next = std::find_if(waiting.begin(), waiting.end(), [&](Unit const& u) {
      auto const prefix = u.shared >= 0 ? std::string() : Unit{run.plan().arm(u.arm).shared, "", u.seed}.label();
      auto const writes_it = [&](auto const& running) { return running.second == prefix; };
      return run.ready(u) && std::none_of(labels.begin(), labels.end(), writes_it);
    });
    if (next != waiting.end() && static_cast<std::int64_t>(processes.size()) < flags.jobs.value_or(1)) {
      int const process = start_self(words_for(run, *next, flags, deadline.seconds_left()));
      say(next->label() + "  begins, process " + std::to_string(process));
      labels[process] = next->label();
      processes.push_back(process);
      waiting.erase(next);
      continue;
    }
    if (processes.empty()) break;
    auto const ended = wait_for_any(processes);
    std::erase(processes, ended.process);
    say(labels[ended.process] +
        (ended.status == 0 ? "  finished" : "  ended with status " + std::to_string(ended.status)));
    labels.erase(ended.process);
    if (first == 0) first = ended.status;
    if (ends_the_run(ended.status)) waiting.clear();
    run.write_summary("running");
  }
  return first;
}

}  // namespace mneme::app
