// mneme runs: the run folders in a folder, with their state and size.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>

#include "mneme/core/errors.hpp"
#include "results.hpp"
#include "terminal.hpp"
#include "values.hpp"
#include "verbs.hpp"

namespace mneme::app {
namespace fs = std::filesystem;
namespace {

struct RunsFlags {
  std::string folder = "runs";
  bool json = false;
};

std::uintmax_t size_of(fs::path const& folder) {
  std::uintmax_t sum = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code gone;  // a live run removes old checkpoints while we look
    if (it->is_regular_file(gone))
      if (auto const bytes = it->file_size(gone); !gone) sum += bytes;
  }
  return sum;
}

Json describe_run(fs::path const& folder) {
  std::ifstream file(folder / "summary.json");
  Json const summary = Json::parse(file, nullptr, false);
  bool const readable = summary.is_object();
  return {{"run", folder.string()},
          {"status", run_status(folder, summary)},
          {"created", readable ? summary.value("created", "") : ""},
          {"arms", readable ? summary.value("arms", Json::array()).size() : 0},
          {"bytes", size_of(folder)}};
}

int list_runs(RunsFlags const& flags) {
  if (!fs::is_directory(flags.folder))
    throw DataError(flags.folder + ": no such folder; `mneme runs DIR` lists another");
  std::vector<fs::path> folders;
  for (auto const& experiment : fs::directory_iterator(flags.folder))
    if (experiment.is_directory())
      for (auto const& run : fs::directory_iterator(experiment))
        if (fs::exists(run.path() / "config.toml")) folders.push_back(run.path());
  std::sort(folders.begin(), folders.end());
  Json runs = Json::array();
  for (auto const& folder : folders) runs.push_back(describe_run(folder));
  if (flags.json) {
    print(runs.dump(1) + "\n");
    return 0;
  }
  if (runs.empty()) say(flags.folder + ": no runs yet; begin with `mneme run demo`");
  std::vector<std::vector<std::string>> rows;
  for (auto const& run : runs)
    rows.push_back({run["run"].get<std::string>(), run["status"].get<std::string>(), run["created"].get<std::string>(),
                    run["arms"].dump(), show_bytes(run["bytes"].get<std::uintmax_t>())});
  if (!rows.empty()) print(columns({"run", "status", "created", "arms and seeds", "size"}, rows));
  return 0;
}

}  // namespace

void add_runs(Command& program) {
  auto const flags = std::make_shared<RunsFlags>();
  auto& verb = program.verb("runs", "list run folders with their status and size");
  verb.argument("folder", flags->folder, "where run folders stand (default runs)", false);
  verb.flag("--json", flags->json, "print a list of objects");
  verb.action([flags] { return list_runs(*flags); });
}

}  // namespace mneme::app
