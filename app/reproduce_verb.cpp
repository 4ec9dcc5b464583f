// mneme reproduce: published tables, run again and judged.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <numeric>

#include "execute.hpp"
#include "load.hpp"
#include "mneme/core/errors.hpp"
#include "mneme/core/toml.hpp"
#include "mneme/io/json_file.hpp"
#include "mneme/report/published.hpp"
#include "process.hpp"
#include "terminal.hpp"
#include "values.hpp"
#include "verbs.hpp"

namespace mneme::app {
namespace {

struct ReproduceFlags {
  std::vector<std::string> names, runs;
  std::string out = "runs", results = "docs/reproducibility.json";
  bool list = false, all = false, page = false;
  std::optional<std::int64_t> seeds;
  ExecuteFlags execute;
};

using Results = std::map<std::string, CellResult>;

Results read_results(std::filesystem::path const& file) {
  Results results;
  if (!std::filesystem::exists(file)) return results;
  Json const stored = read_json(file);
  for (auto const& [name, entry] : stored.items()) results[name] = CellResult::from_json(entry);
  return results;
}

void write_results(std::filesystem::path const& file, Results const& results) {
  Json json = Json::object();
  for (auto const& [name, result] : results) json[name] = result.to_json();
  if (file.has_parent_path()) std::filesystem::create_directories(file.parent_path());
  write_json(file, json);
}

void list_cells(std::vector<PublishedTable> const& tables, Results const& results, bool json) {
  Json all = Json::array();
  std::vector<std::vector<std::string>> rows;
  for (auto const& table : tables)
    for (auto const& cell : table.cells) {
      auto const found = results.find(cell.name);
      auto const decided = to_text(verdict(cell, found == results.end() ? nullptr : &found->second));
      all.push_back({{"name", cell.name},
                     {"published", cell.value},
                     {"verified", cell.verified},
                     {"verdict", decided},
                     {"minutes", table.minutes}});
      auto const number = Json(cell.value).dump();
      rows.push_back({cell.name, number + (cell.verified ? "" : " (unverified value)"), decided,
                      Json(table.minutes).dump(), table.source});
    }
  print(json ? all.dump(1) + "\n" : columns({"cell", "published %", "verdict", "min/seed", "source"}, rows));
}

/// A table and the arms of it that are wanted: all for a table's name, one for a cell's.
struct Wanted {
  PublishedTable const* table;
  std::vector<std::string> arms;  // empty: all
};

std::vector<Wanted> wanted_of(std::vector<PublishedTable> const& tables, ReproduceFlags const& flags) {
  std::vector<Wanted> wanted;
  auto const of = [&](PublishedTable const& table) -> Wanted& {
    for (auto& w : wanted)
      if (w.table == &table) return w;
    return wanted.emplace_back(Wanted{&table, {}});
  };
  if (flags.all) {
    for (auto const& table : tables) of(table);
    return wanted;
  }
  std::vector<std::string> known;
  for (auto const& table : tables) {
    known.push_back(table.name);
    for (auto const& cell : table.cells) known.push_back(cell.name);
  }
  for (auto const& name : flags.names) {
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw ConfigError("no published table or cell '" + name + "': " + suggestion(name, known));
    for (auto const& table : tables) {
      if (table.name == name) of(table);
      for (auto const& cell : table.cells)
        if (cell.name == name) of(table).arms.push_back(cell.arm);
    }
  }
  return wanted;
}

std::vector<std::int64_t> first_seeds(std::int64_t count) {
  if (count < 1) throw ConfigError("--seeds " + std::to_string(count) + ": must be at least 1");
  std::vector<std::int64_t> seeds(static_cast<std::size_t>(count));
  std::iota(seeds.begin(), seeds.end(), 0);
  return seeds;
}

/// Runs what is wanted of a table; the run's folder, or the exit code of what went wrong.
int run_table(Wanted wanted, ReproduceFlags const& flags, std::filesystem::path& folder) {
  auto tree = wanted.table->experiment;
  if (flags.seeds) tree["seeds"] = first_seeds(*flags.seeds);
  auto plan = plan_experiment(tree);
  // A proof of activity compares with plain training.
  if (!wanted.arms.empty() && !wanted.table->naive.empty() &&
      std::find(wanted.arms.begin(), wanted.arms.end(), wanted.table->naive) == wanted.arms.end())
    wanted.arms.push_back(wanted.table->naive);
  keep_arms(plan, wanted.arms);
  use_threads(plan.options.threads);
  DataLibrary library(data_search(flags.execute.data));
  check_arms(plan, library);
  auto run = ExperimentRun::start(std::move(plan), flags.out, shell_line(arguments()), std::move(library));
  folder = run.folder();
  return execute(run, flags.execute);
}

PublishedTable const& table_of(std::vector<PublishedTable> const& tables, RunFolder const& run) {
  auto const name = run.text("experiment");
  for (auto const& table : tables)
    if (table.name == name) return table;
  throw ConfigError(run.path.string() + " is a run of '" + name +
                    "', which is no published table; see mneme reproduce --list");
}

/// A run under the table's name may have been made with other settings.
void check_same(PublishedTable const& table, RunFolder const& run) {
  auto const ours = plan_experiment(table.experiment),
             theirs = plan_experiment(parse_toml(run.config_text, (run.path / "config.toml").string()));
  for (auto const& arm : theirs.arms) {
    auto const found =
        std::find_if(ours.arms.begin(), ours.arms.end(), [&](auto const& a) { return a.name == arm.name; });
    if (found == ours.arms.end()) continue;
    for (auto const* key : {"data", "stream", "learner", "train", "strategy"})
      if (arm.tree.value(key, Json()) != found->tree.value(key, Json()))
        throw ConfigError(run.path.string() + ": arm '" + arm.name + "' has another `" + key + "` than table '" +
                          table.name + "' and is no measurement of it: " + arm.tree.value(key, Json()).dump() +
                          " in place of " + found->tree.value(key, Json()).dump());
  }
}

bool has_seeds_of(CellResult const& all, CellResult const& some) {
  return std::all_of(some.values.begin(), some.values.end(),
                     [&](auto const& value) { return all.values.contains(value.first); });
}

/// Seeds that are new join those of the same protocol and version; some of them again change nothing.
void take(PublishedTable const& table, RunFolder const& run, Results& results) {
  for (auto& [name, result] : measured_cells(table, run)) {
    auto& kept = results[name];
    if (kept.protocol != result.protocol || kept.version != result.version || has_seeds_of(result, kept))
      kept = std::move(result);
    else if (has_seeds_of(kept, result))
      say(name + ": " + std::to_string(result.values.size()) + " seed(s); the " + std::to_string(kept.values.size()) +
          " that are kept already stay");
    else
      kept.join(result);
  }
}

int reproduce(ReproduceFlags const& flags) {
  auto const tables = published_tables();
  auto results = read_results(flags.results);
  if (flags.page) {
    print(reproducibility_page(tables, results));
    return 0;
  }
  auto const wanted = wanted_of(tables, flags);
  if (flags.list || (wanted.empty() && flags.runs.empty())) {
    if (!std::filesystem::exists(flags.results))
      say("note: " + flags.results +
          " is not here, so that no cell counts as tried; it is part of the source, and "
          "--results names another place");
    list_cells(tables, results, flags.execute.json);
    return 0;
  }
  check_flags(flags.execute);
  if (flags.seeds && !flags.runs.empty()) throw ConfigError("--seeds is of runs to be made; --run has its own");
  if (!wanted.empty() && !flags.runs.empty())
    throw ConfigError(
        "--run takes the values of a run that was made, and a name (or --all) runs a table again: give one or the "
        "other");
  int status = 0;
  for (auto const& folder : flags.runs) {
    auto const run = RunFolder::read(folder);
    auto const& table = table_of(tables, run);
    check_same(table, run);
    take(table, run, results);
  }
  for (auto const& one : wanted) {
    std::filesystem::path folder;
    int const ended = run_table(one, flags, folder);
    if (status == 0) status = ended;
    take(*one.table, RunFolder::read(folder), results);
    write_results(flags.results, results);
    if (ends_the_run(ended)) {
      say("when it is finished: mneme reproduce --run " + shell_line({folder.string()}));
      return ended;
    }
  }
  write_results(flags.results, results);
  say("measured values are in " + flags.results + "; the page: mneme reproduce --page");
  return status;
}

}  // namespace

void add_reproduce(Command& program) {
  auto const flags = std::make_shared<ReproduceFlags>();
  auto& verb = program.verb("reproduce", "published tables: run them again, judge them, list what came of it");
  verb.arguments("name", flags->names, "tables or cells from --list", false);
  verb.flag("--list", flags->list, "every cell with its published value, verdict and minutes; also without a name");
  verb.flag("--all", flags->all, "run every table");
  verb.option("--seeds", "N", flags->seeds, "seeds 0 to N - 1 instead of the table's own");
  verb.option("--run", "DIR", flags->runs,
              "take the values of a run that was made before; may be repeated, seeds are put together");
  verb.option("--results", "FILE", flags->results, "measured values are kept here (default docs/reproducibility.json)");
  verb.flag("--page", flags->page, "print REPRODUCIBILITY.md");
  verb.option("--out", "DIR", flags->out, "folder of run folders (default runs)");
  add_execute_flags(verb, flags->execute);
  verb.action([flags] { return reproduce(*flags); });
}

}  // namespace mneme::app
