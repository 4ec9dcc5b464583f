// mneme report and mneme compare: pages and tables made from run folders alone.
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "mneme/core/errors.hpp"
#include "mneme/core/files.hpp"
#include "mneme/report/compare.hpp"
#include "mneme/report/report.hpp"
#include "terminal.hpp"
#include "verbs.hpp"

namespace mneme::app {
namespace {

struct ReportFlags {
  std::vector<std::string> runs;
  std::string out;
  bool json = false;
  bool markdown = false;
};

std::vector<RunFolder> read_runs(std::vector<std::string> const& paths) {
  std::vector<RunFolder> runs;
  for (auto const& path : paths) {
    runs.push_back(RunFolder::read(path));
    for (auto const& note : runs.back().notes) say("note: " + note);
  }
  return runs;
}

int report(ReportFlags const& flags) {
  auto const runs = read_runs(flags.runs);
  auto const page = make_report(runs);
  if (flags.out == "-") {
    print(page);
    return 0;
  }
  std::filesystem::path const beside = runs.size() == 1 ? runs.front().path / "report.html" : "comparison.html";
  auto const file = flags.out.empty() ? beside : std::filesystem::path(flags.out);
  write_file(file, page);
  print(file.string() + "\n");
  return 0;
}

int compare(ReportFlags const& flags) {
  if (flags.json && flags.markdown) throw ConfigError("compare: --json or --markdown, not both");
  auto const runs = read_runs(flags.runs);
  auto const comparison = compare_runs(runs);
  print(flags.json       ? comparison.to_json().dump(1) + "\n"
        : flags.markdown ? to_markdown(comparison)
                         : to_text(comparison));
  if (!flags.out.empty()) {
    write_file(flags.out, make_comparison(runs));
    say("page  " + flags.out);
  }
  return 0;
}

}  // namespace

void add_report(Command& program) {
  auto const flags = std::make_shared<ReportFlags>();
  auto& verb = program.verb("report", "make the report of one or more runs again, from their folders alone");
  verb.arguments("runs", flags->runs, "run folders");
  verb.option("-o,--output", "FILE", flags->out,
              "where to write the page; - for standard output (default: the run's report.html, comparison.html for "
              "several runs)");
  verb.action([flags] { return report(*flags); });
}

void add_compare(Command& program) {
  auto const flags = std::make_shared<ReportFlags>();
  auto& verb = program.verb(
      "compare", "rank the arms of runs by scenario, with memory and time; warns where data, net or steps differ");
  verb.arguments("runs", flags->runs, "run folders");
  verb.flag("--json", flags->json, "print an object instead of the table");
  verb.flag("--markdown", flags->markdown, "print the rankings as Markdown tables");
  verb.option("-o,--output", "FILE", flags->out,
              "also write a page: rankings, accuracy against memory and against time");
  verb.action([flags] { return compare(*flags); });
}

}  // namespace mneme::app
