// What a run leaves behind for its reader: the arms' entries and summary.json. The run itself is in run.cpp.
#include <map>
#include <sstream>

#include "mneme/core/files.hpp"
#include "mneme/core/version.hpp"
#include "mneme/experiment/code_files.hpp"
#include "mneme/experiment/forget_audit.hpp"
#include "mneme/experiment/judging.hpp"
#include "mneme/experiment/run.hpp"
#include "mneme/io/bytes.hpp"
#include "mneme/io/json_file.hpp"
#include "mneme/stream/makers.hpp"
#include "mneme/train/trainer.hpp"

namespace mneme {
namespace fs = std::filesystem;

namespace {

/// What was measured after every epoch: [{event, epoch, step, values, figures, drawn}]. The last epoch of an event and
/// its end are one place; an event without steps has no epoch.
Json epochs_of(fs::path const& folder, Stream const& stream) {
  std::map<std::int64_t, Json> by_step;
  std::istringstream lines{std::string(as_text(read_file(folder / "metrics.jsonl")))};
  for (std::string text; std::getline(lines, text);) {
    auto const line = Json::parse(text, nullptr, false);
    if (!line.is_object() || line.value("kind", "") != "evaluation" || line.value("part", "") != "full") continue;
    auto const step = line.at("step").get<std::int64_t>();
    auto& row = by_step[step];
    if (!row.is_null() && row.at("event") != line.at("event")) continue;
    auto const epoch = row.is_null() ? line.at("epoch") : row.at("epoch");
    row = {{"event", line.at("event")}, {"epoch", epoch}, {"step", step}, {"values", line.at("values")}};
    for (auto const* key : {"figures", "loss_parts"})
      if (line.contains(key)) row["figures"] = line[key];
  }
  by_step.erase(0);  // before training
  if (auto const file = folder / "judge.json"; fs::exists(file))
    for (auto const& judged : read_json(file).value("epochs", Json::array()))
      if (auto const found = by_step.find(judged.at("step")); found != by_step.end())
        found->second["drawn"] = judged.contains("domains") ? judged["domains"] : drawn_by_task(judged, stream);
  Json rows = Json::array();
  for (auto& [step, row] : by_step) rows.push_back(std::move(row));
  return rows;
}

}  // namespace

void add_observed(Json& arm, fs::path const& folder, Stream const& stream) {
  if (auto const file = folder / "judge.json"; fs::exists(file)) {
    auto const judged = read_json(file);
    auto const& rows = judged.at("rows");
    for (auto const* key : {"forgotten_classes", "forgotten_probability", "forgotten_accuracy", "forgotten_entropy",
                            "forgotten_gray", "forgotten_before", "forgotten_blank", "retained_accuracy_drop",
                            "largest_retained_accuracy_drop", "recovered", "quality", "drawn", "replayed"})
      arm.erase(key);  // of the judge before
    arm.update(judgement_summary(judged, stream));
    if (!rows.empty())
      if (auto drawn = drawn_by_task(rows.back(), stream); !drawn.empty()) arm["drawn"] = std::move(drawn);
  }
  if (arm.contains("epochs")) arm["epochs"] = epochs_of(folder, stream);  // what a judge said of them among it
  if (auto const codes = folder / "codes.json"; fs::exists(codes)) arm["codes"] = last_codes(codes);
}

void ExperimentRun::write_arm(Unit const& unit, LoadedArm const& loaded, std::string const& status,
                              std::string const& error) {
  auto& trainer = *loaded.trainer;
  auto const& matrix = trainer.matrix();
  auto const headline = trainer.learner().metrics().front();
  auto const number = [](std::optional<double> const& value) { return value ? Json(*value) : Json(); };
  Json arm = {{"arm", unit.arm},
              {"seed", unit.seed},
              {"status", status},
              {"strategy", StrategyList(plan_.arm(unit.arm).tree["strategy"], "strategy", 0).describe()},
              {"strategy_options", plan_.arm(unit.arm).tree["strategy"]},
              {"learner", trainer.learner().kind()},
              {"metric", headline.name}};
  if (!error.empty()) arm["error"] = error;
  arm.update(matrix.to_json());
  arm["average"] = number(average(matrix));
  arm["average_incremental"] = number(average_incremental(matrix));
  arm["forgetting"] = number(forgetting(matrix));
  arm["bwt"] = number(backward_transfer(matrix));
  arm["fwt"] = number(forward_transfer(matrix));
  arm["forgotten"] = Json::object();
  for (auto const& task : forgotten_tasks(matrix)) arm["forgotten"][task] = number(forgotten_value(matrix, task));
  add_observed(arm, unit_folder(unit), loaded.stream);
  if (auto const file = unit_folder(unit) / "risk.json"; fs::exists(file)) arm["risk"] = read_json(file);
  if (auto const audit = unit_folder(unit) / "forget.json"; fs::exists(audit)) {
    arm["unlearning"] = read_audit(audit);
    for (auto& entry : arm["unlearning"]) entry.erase("answers");
  }
  arm["steps"] = trainer.steps();
  if (auto const& counts = trainer.class_counts(); !counts.confusion.empty()) {
    arm["calibration_error"] = number(expected_calibration_error(counts));
    arm["per_class_accuracy"] = Json::array();
    for (auto const& value : per_class_accuracy(counts)) arm["per_class_accuracy"].push_back(number(value));
    arm["confusion"] = counts.confusion;
  }
  arm["parameters"] = trainer.learner().parameters().size();
  arm["memory_bytes"] = trainer.strategy_bytes();
  arm["wall_seconds"] = trainer.clock().to_json();
  arm["parameter_hash"] = trainer.parameter_hash();
  arm["training_hash"] = trainer.training_hash();
  bool const of_loss = headline.name == "negative_elbo";
  arm["loss_parts"] = of_loss ? trainer.figures() : Json::object();
  if (!of_loss && dynamic_cast<Generates const*>(&trainer.learner()) != nullptr) arm["figures"] = trainer.figures();
  arm["stream"] = stream_record(loaded.stream);
  arm["data"] = loaded.data;
  if (plan_.arm(unit.arm).tree.at("evaluate").at("every_epoch").get<bool>())
    arm["epochs"] = epochs_of(unit_folder(unit), loaded.stream);
  write_json(unit_folder(unit) / "arm.json", arm);
  write_summary("running");
}

Json ExperimentRun::summary() const {
  auto const about = read_json(folder_ / "command.json");
  Json summary = {{"format", 1},
                  {"experiment", plan_.options.name},
                  {"title", plan_.options.title.empty() ? plan_.options.name : plan_.options.title},
                  {"description", plan_.options.description},
                  {"mneme", kVersion},
                  {"status", "running"},
                  {"created", about.at("created")},
                  {"updated", utc_timestamp(TimeFormat::kIso)},
                  {"command", about.at("command")},
                  {"data", {{"kind", plan_.options.data}, {"sets", Json::array()}}},
                  {"arms", Json::array()}};
  std::vector<Json> data;
  for (auto const seed : plan_.options.seeds)
    for (auto const& arm : plan_.arms) {
      auto const file = unit_folder({-1, arm.name, seed}) / "arm.json";
      if (!fs::exists(file)) continue;
      auto entry = read_json(file);
      data.push_back(entry.at("data"));
      entry.erase("data");
      summary["arms"].push_back(std::move(entry));
    }
  if (!data.empty()) summary["data"] = united(data);
  compare_with_retrained(summary["arms"], folder_);
  return summary;
}

void ExperimentRun::write_summary(std::string const& status) const {
  auto json = summary();
  json["status"] = status;
  write_json(folder_ / "summary.json", json);
}

}  // namespace mneme
