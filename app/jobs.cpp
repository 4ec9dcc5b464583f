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

int in_processes(ExperimentRun& run, std::vector<Unit> const& wave, ExecuteFlags const& flags,
                 Deadline const& deadline) {
  std::vector<Unit> waiting;
  std::copy_if(wave.begin(), wave.end(), std::back_inserter(waiting),
               [&](Unit const& u) { return !run.finished(u) && run.ready(u); });
  std::map<int, std::string> labels;  // by process
  std::vector<int> processes;
  int first = 0;
  for (auto next = waiting.begin(); next != waiting.end() || !processes.empty();) {
    if (interrupt_signal().load() != 0) {
      if (first == 0) first = 128 + interrupt_signal().load();
      next = waiting.end();
    }
    if (next != waiting.end() && static_cast<std::int64_t>(processes.size()) < flags.jobs.value_or(1)) {
      int const process = start_self(words_for(run, *next, flags, deadline.seconds_left()));
      say(next->label() + "  begins, process " + std::to_string(process));
      labels[process] = next->label();
      processes.push_back(process);
      ++next;
      continue;
    }
    if (processes.empty()) break;
    auto const ended = wait_for_any(processes);
    std::erase(processes, ended.process);
    say(labels[ended.process] +
        (ended.status == 0 ? "  finished" : "  ended with status " + std::to_string(ended.status)));
    if (first == 0) first = ended.status;
    if (ends_the_run(ended.status)) next = waiting.end();
    run.write_summary("running");
  }
  return first;
}

}  // namespace mneme::app
