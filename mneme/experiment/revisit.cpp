#include "mneme/experiment/revisit.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "mneme/core/errors.hpp"
#include "mneme/core/files.hpp"
#include "mneme/core/interrupt.hpp"
#include "mneme/experiment/code_files.hpp"
#include "mneme/experiment/judging.hpp"
#include "mneme/experiment/pictures.hpp"
#include "mneme/io/bytes.hpp"
#include "mneme/io/json_file.hpp"
#include "mneme/train/trainer.hpp"

namespace mneme {
namespace fs = std::filesystem;
namespace {

/// Old lines of samples/index.jsonl as they were, since checkpoints point into them, then the new ones of other
/// pictures.
std::string merged_index(std::string const& all, std::size_t old) {
  std::set<std::string> known;
  std::string merged;
  std::size_t at = 0;
  for (std::size_t end = 0; (end = all.find('\n', at)) != std::string::npos; at = end + 1) {
    auto const line = all.substr(at, end - at);
    auto const json = Json::parse(line, nullptr, false);
    bool const added = known.insert(json.is_object() ? json.value("file", line) : line).second;
    if (at < old || added) merged += line + '\n';
  }
  return merged;
}

/// The matrix as it was when this row had been measured.
EvaluationMatrix up_to(EvaluationMatrix matrix, std::size_t row) {
  matrix.rows.resize(row + 1);
  matrix.values.resize(row + 1);
  return matrix;
}

/// Another processor rounds otherwise, which turns a few answers.
bool agrees(double a, double b) { return std::abs(a - b) <= 0.005 * std::max(1.0, std::abs(b)); }

/// The rows that stand there, null where there are none. A damaged file goes: it is made anew.
Json record_before(fs::path const& file) {
  if (!fs::exists(file)) return nullptr;
  try {
    if (auto record = read_json(file); record.is_object() && record.value("rows", Json()).is_array()) return record;
  } catch (DataError const&) {
  }
  fs::remove(file);
  return nullptr;
}

/// Puts rows of `before` back whose events were not looked at again, unless another judge has spoken since.
void put_back(fs::path const& file, Json const& before) {
  if (before.is_null()) return;
  auto now = read_json(file);
  if (before.contains("judge") && before["judge"] != now.at("judge")) return;
  auto& rows = now.at("rows").get_ref<Json::array_t&>();
  for (auto& row : rows)  // what was replayed is known at the end of an event, and a checkpoint is of before
    for (auto const& old : before.at("rows"))
      if (row.at("event") == old.at("event") && old.contains("replayed")) row["replayed"] = old["replayed"];
  for (auto const& old : before.at("rows"))
    if (std::ranges::none_of(rows, [&](Json const& row) { return row.at("event") == old.at("event"); }))
      rows.push_back(old);
  std::ranges::stable_sort(rows, {}, [](Json const& row) { return row.at("event").get<std::int64_t>(); });
  if (before.contains("epochs")) now["epochs"] = before["epochs"];  // of which there are no checkpoints
  write_json(file, now);
}

struct Revisited {
  fs::path run;
  ArmPlan const& arm;
  std::int64_t seed;
  RevisitOptions const& options;
  DataLibrary& library;
  Judges judges = {};

  /// The learner as it was at the end of this row's event; null where nothing says how it was.
  std::optional<LoadedArm> load(EvaluationRow const& row, bool last) {
    auto tree = arm.tree;
    tree["device"] = tree["device"] == "cpu" ? "cpu" : "auto";
    if (row.event < 0) return build_arm(tree, "arm." + arm.name, seed, library);
    auto const own = last ? "final" : "event-" + std::to_string(row.event);
    for (auto const& name : {own, std::string("branched")})  // of what a branch began with
      try {
        return load_arm(run, arm.name, seed, name, library, true);
      } catch (CheckpointError const&) {
        continue;
      }
    return std::nullopt;
  }

  std::unique_ptr<JudgeObserver> judge_for(LoadedArm& loaded, fs::path const& file) {
    bool const own = arm.tree.contains("judge");
    if (!own && !options.judge) return nullptr;
    auto wanted = own ? read_options<JudgeOptions>(arm.tree.at("judge"), "judge") : JudgeOptions();
    if (options.judge) wanted.experiment = *options.judge;
    if (options.samples) wanted.samples = *options.samples;
    auto const find = judges.finder(wanted, arm.tree, loaded.stream, library, [&](std::string const& name) {
      if (options.on_line) options.on_line("the judge '" + name + "' is trained first, and kept for later runs");
    });
    return std::make_unique<JudgeObserver>(file, judged_parts(*loaded.learner, loaded.stream, find),
                                           loaded.trainer->strategies(), loaded.stream,
                                           static_cast<std::uint64_t>(seed));
  }
};

}  // namespace

void revisit(ExperimentRun const& run, std::string const& arm_name, std::int64_t seed, RevisitOptions const& options,
             DataLibrary& library) {
  auto const folder = seed_folder(run.folder(), arm_name, seed);
  if (!run.finished({-1, arm_name, seed}))
    throw ConfigError(folder.string() + ": not finished; `mneme resume " + run.folder().string() + "` goes on with it");
  auto entry = read_json(folder / "arm.json");
  auto const matrix = EvaluationMatrix::from_json(entry);
  std::map<std::string, Json> rows_before;
  for (auto const* name : {"judge.json", "codes.json"}) rows_before[name] = record_before(folder / name);
  auto const index = folder / "samples" / "index.jsonl";
  RunFiles files(folder);
  auto const old_lines = files.samples.bytes();  // they stay until all new ones are there
  Revisited revisited{run.folder(), run.plan().arm(arm_name), seed, options, library};
  Json figures = Json::object();
  Stream stream;
  auto const say = [&](std::string const& text) {
    if (options.on_line) options.on_line(arm_name + "/seed-" + std::to_string(seed) + "  " + text);
  };
  std::string const kept_in = entry.value("metric", "") == "negative_elbo" ? "loss_parts" : "figures";
  auto const figure_before = [&, old = entry.value(kept_in, Json::object())](
                                 std::string const& task, std::string const& figure, std::size_t place) {
    if (!old.contains(task) || !old[task].contains(figure) || place >= old[task][figure].size()) return Json();
    return old[task][figure][place];
  };
  try {
    for (std::size_t i = 0; i < matrix.rows.size(); ++i) {
      if (int const signal = interrupt_signal(); signal != 0)
        throw Stopped("interrupted by signal " + std::to_string(signal) + "; `mneme revisit` begins anew", signal);
      auto const& row = matrix.rows[i];
      auto loaded = revisited.load(row, i + 1 == matrix.rows.size());
      std::map<std::string, std::vector<double>> values;
      bool same = loaded.has_value();
      for (std::size_t t = 0; same && t < matrix.tasks.size(); ++t)
        for (auto const* task : loaded->stream.tested()) {
          if (task->name != matrix.tasks[t]) continue;
          values[task->name] = loaded->trainer->test(task->test, task->id);
          auto const& cell = matrix.values[i][t];
          same = same && (!cell || agrees(values[task->name].front(), *cell));
        }
      if (!loaded) loaded = build_arm(revisited.arm.tree, "arm." + arm_name, seed, library);
      for (auto const& metric : loaded->learner->metrics().subspan(1))
        for (auto const& task : matrix.tasks) {
          auto const place = static_cast<std::size_t>(&metric - loaded->learner->metrics().data());
          auto const found = values.find(task);
          auto const number = found == values.end() ? std::nan("") : found->second[place];
          auto& list = figures[task][metric.name];
          if (list.is_null()) list = Json::array();
          list.push_back(!same ? figure_before(task, metric.name, i) : std::isfinite(number) ? Json(number) : Json());
        }
      stream = loaded->stream;
      if (!same) {
        say((row.event < 0 ? std::string("before training") : "event " + std::to_string(row.event)) +
            ": left as it was; no checkpoint gives what the matrix says");
        continue;
      }
      auto const part = up_to(matrix, i);
      auto& learner = *loaded->learner;
      PictureObserver(files, loaded->trainer->strategies(), loaded->stream, static_cast<std::uint64_t>(seed))
          .evaluated(part, learner);
      CodeObserver(folder, loaded->trainer->strategies(), loaded->stream, static_cast<std::uint64_t>(seed))
          .evaluated(part, learner);
      if (auto const judge = revisited.judge_for(*loaded, folder / "judge.json")) judge->evaluated(part, learner);
      say(row.event < 0 ? "before training" : "after event " + std::to_string(row.event) + ": " + row.task);
      if (i + 1 == matrix.rows.size() && dynamic_cast<Generates const*>(&learner) != nullptr) entry[kept_in] = figures;
    }
  } catch (...) {
    files.samples.truncate_to(old_lines);
    for (auto const& [name, before] : rows_before) put_back(folder / name, before);
    throw;
  }
  files.samples.sync();
  auto const lines = read_file(index);
  write_file(index, merged_index(std::string(as_text(lines)), static_cast<std::size_t>(old_lines)));
  for (auto const& [name, before] : rows_before) put_back(folder / name, before);
  add_observed(entry, folder, stream);
  write_json(folder / "arm.json", entry);
}

}  // namespace mneme
