#include "mneme/experiment/revisit.hpp"

#include <torch/types.h>

#include <cmath>
#include <fstream>

#include "mneme/core/errors.hpp"
#include "mneme/experiment/code_files.hpp"
#include "mneme/experiment/judging.hpp"
#include "mneme/experiment/pictures.hpp"
#include "mneme/io/json_file.hpp"
#include "mneme/train/trainer.hpp"

namespace mneme {
namespace fs = std::filesystem;
namespace {

bool of_an_epoch(std::string const& line) { return Json::parse(line).contains("epoch"); }

/// Lines of samples/index.jsonl by event.
std::map<std::int64_t, std::vector<std::string>> pictures_by_event(fs::path const& index) {
  std::map<std::int64_t, std::vector<std::string>> lines;
  std::ifstream in(index);
  for (std::string line; std::getline(in, line);)
    if (auto const json = Json::parse(line, nullptr, false); json.is_object())
      lines[json.value("event", std::int64_t{-1})].push_back(line);
  return lines;
}

/// The matrix as it was when this row had been measured.
EvaluationMatrix up_to(EvaluationMatrix matrix, std::size_t row) {
  matrix.rows.resize(row + 1);
  matrix.values.resize(row + 1);
  return matrix;
}

/// Another processor rounds otherwise, which turns a few answers.
bool agrees(double a, double b) { return std::abs(a - b) <= 0.005 * std::max(1.0, std::abs(b)); }

struct Revisited {
  fs::path run;
  ArmPlan const& arm;
  std::int64_t seed;
  RevisitOptions const& options;
  DataLibrary& library;
  std::map<std::string, std::shared_ptr<Judge>> judges = {};

  /// The learner as it was at the end of this row's event; null where nothing says how it was.
  std::optional<LoadedArm> load(EvaluationRow const& row, bool last) {
    auto tree = arm.tree;
    tree["device"] = tree["device"] == "cpu" ? "cpu" : "auto";
    if (row.event < 0) return build_arm(tree, "arm." + arm.name, seed, library);
    try {
      return load_arm(run, arm.name, seed, last ? "final" : "event-" + std::to_string(row.event), library, true);
    } catch (CheckpointError const&) {
      return std::nullopt;
    }
  }

  std::unique_ptr<JudgeObserver> judge_for(LoadedArm& loaded, fs::path const& file) {
    auto wanted = options.judge;
    if (!wanted && arm.tree.contains("judge")) wanted = read_options<JudgeOptions>(arm.tree.at("judge"), "judge");
    if (!wanted) return nullptr;
    auto const shape = loaded.stream.tasks().front()->train.sample_shape();
    auto const find = [&](std::string const& dataset) {
      auto& judge = judges[dataset];
      if (!judge) judge = Judge::find(*wanted, arm.tree, library, dataset, dataset.empty() ? decltype(shape)() : shape);
      return judge;
    };
    return std::make_unique<JudgeObserver>(file, judged_parts(*loaded.learner, loaded.stream, find), loaded.stream,
                                           static_cast<std::uint64_t>(seed));
  }
};

}  // namespace

void revisit(ExperimentRun const& run, std::string const& arm_name, std::int64_t seed, RevisitOptions const& options,
             DataLibrary& library) {
  auto const folder = run.folder() / "arms" / arm_name / ("seed-" + std::to_string(seed));
  if (!run.finished({-1, arm_name, seed}))
    throw ConfigError(folder.string() + ": not finished; `mneme resume " + run.folder().string() + "` goes on with it");
  auto entry = read_json(folder / "arm.json");
  auto const matrix = EvaluationMatrix::from_json(entry);
  auto const pictures_before = pictures_by_event(folder / "samples" / "index.jsonl");
  RunFiles files(folder);
  files.samples.truncate_to(0);
  Revisited revisited{run.folder(), run.plan().arm(arm_name), seed, options, library};
  Json figures = Json::object();
  Stream stream;
  auto const say = [&](std::string const& text) {
    if (options.on_line) options.on_line(arm_name + "/seed-" + std::to_string(seed) + "  " + text);
  };
  for (std::size_t i = 0; i < matrix.rows.size(); ++i) {
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
        figures[task][metric.name].push_back(same && std::isfinite(number) ? Json(number) : Json());
      }
    stream = loaded->stream;
    if (auto const old = pictures_before.find(row.event); old != pictures_before.end())
      for (auto const& line : old->second)  // no checkpoint is kept of the ends of epochs
        if (!same || of_an_epoch(line)) files.samples.append(line);
    if (!same) {
      say((row.event < 0 ? std::string("before training") : "event " + std::to_string(row.event)) +
          ": left as it was; no checkpoint gives what the matrix says");
      continue;
    }
    auto const part = up_to(matrix, i);
    auto& learner = *loaded->learner;
    PictureObserver(files, loaded->trainer->strategies(), loaded->stream, static_cast<std::uint64_t>(seed))
        .evaluated(part, learner);
    CodeObserver(folder, loaded->stream, static_cast<std::uint64_t>(seed)).evaluated(part, learner);
    if (auto const judge = revisited.judge_for(*loaded, folder / "judge.json")) judge->evaluated(part, learner);
    say(row.event < 0 ? "before training" : "after event " + std::to_string(row.event) + ": " + row.task);
    if (i + 1 == matrix.rows.size() && dynamic_cast<Generates const*>(&learner) != nullptr)
      entry[matrix.higher_is_better ? "figures" : "loss_parts"] = figures;
  }
  files.samples.sync();
  add_observed(entry, folder, stream);
  write_json(folder / "arm.json", entry);
}

}  // namespace mneme
