// What a run's judgements come to, for its summary. The judging itself is in judging.cpp.
#include <algorithm>
#include <map>
#include <set>

#include "mneme/experiment/judging.hpp"
#include "mneme/stream/class_history.hpp"

namespace mneme {

std::vector<std::int64_t> forgotten_classes(Stream const& stream, std::int64_t last) {
  auto const history = class_history(stream, last);
  return {history.forgotten.begin(), history.forgotten.end()};
}

std::vector<std::int64_t> learnt_before_requests(Stream const& stream) {
  std::set<std::int64_t> classes;
  for (auto const& event : stream.events) {
    auto const* task = std::get_if<Task>(&event);
    if (task == nullptr) break;
    classes.insert(task->classes.begin(), task->classes.end());
  }
  return {classes.begin(), classes.end()};
}

namespace {

/// {attack: {probability, accuracy}}, means over the forgotten classes: others may be asked for later.
Json recovered(Json const& attacks, std::vector<std::int64_t> const& forgotten) {
  std::map<std::string, std::map<std::string, double>> sums;
  std::map<std::string, double> count;
  for (auto const& one : attacks) {
    if (!std::ranges::binary_search(forgotten, one.at("class").get<std::int64_t>())) continue;
    auto const name = one.at("attack").get<std::string>();
    ++count[name];
    for (auto const* key : {"probability", "accuracy"}) sums[name][key] += one.at(key).get<double>();
  }
  for (auto& [name, sum] : sums)
    for (auto& [key, value] : sum) value /= count[name];
  return sums;
}

}  // namespace

Json drawn_by_task(Json const& row, Stream const& stream) {
  Json drawn = Json::object();
  if (!row.contains("classes")) return drawn;
  auto const event = row.at("event").get<std::int64_t>();
  auto const gone = forgotten_classes(stream, event);
  std::int64_t tasks = 0;
  for (std::size_t i = 0; i < stream.events.size() && static_cast<std::int64_t>(i) <= event; ++i) {
    auto const* task = std::get_if<Task>(&stream.events[i]);
    if (task == nullptr) continue;
    ++tasks;
    double sum = 0;
    std::int64_t count = 0;
    for (auto const c : task->classes)
      if (!std::ranges::binary_search(gone, c)) {
        sum += row.at("classes").at(static_cast<std::size_t>(c)).at("accuracy").get<double>();
        ++count;
      }
    if (count > 0) drawn[task->name]["accuracy"] = sum / static_cast<double>(count);
  }
  if (tasks == 1 && drawn.size() == 1 && row.contains("quality")) drawn.front().update(row["quality"]);
  return drawn;
}

Json judgement_summary(Json const& judge, Json const& rows, std::vector<std::int64_t> const& forgotten,
                       std::vector<std::int64_t> const& learnt) {
  Json const* before = nullptr;
  for (auto const& row : rows) {
    if (row.at("kind") == "forget") break;
    if (row.at("kind") == "learn") before = &row;
  }
  if (before == nullptr && rows.size() > 1) before = &rows.front();  // a branch of a branch: what it began with
  Json summary = {{"judge", judge}};
  if (rows.empty()) return summary;
  auto const& last = rows.back();
  if (last.contains("quality")) summary["quality"] = last["quality"];
  for (auto const& domain : last.value("domains", Json::array())) {
    auto& entry = summary["drawn"][domain.at("domain").get<std::string>()];
    entry = domain.value("quality", Json::object());
    entry["accuracy"] = domain.at("accuracy");
  }
  for (std::size_t i = 0; i + 1 < rows.size(); ++i)  // what the last row's own event did replay
    if (rows[i].contains("replayed")) summary["replayed"] = rows[i]["replayed"];
  if (forgotten.empty() || !last.contains("classes")) return summary;
  auto const& after = last.at("classes");
  double probability = 0, accuracy = 0, entropy = 0, gray = 0, drop = 0, largest = -1;
  double probability_before = 0, accuracy_before = 0;
  std::int64_t others = 0;
  for (std::size_t c = 0; c < after.size(); ++c) {
    auto const number = [&](Json const& classes, char const* key) { return classes.at(c).at(key).get<double>(); };
    auto const label = static_cast<std::int64_t>(c);
    if (std::ranges::binary_search(forgotten, label)) {
      probability += number(after, "probability");
      accuracy += number(after, "accuracy");
      entropy += number(after, "entropy");
      gray += number(after, "gray");
      if (before == nullptr) continue;
      probability_before += number(before->at("classes"), "probability");
      accuracy_before += number(before->at("classes"), "accuracy");
    } else if (before != nullptr && std::ranges::binary_search(learnt, label)) {
      auto const fall = number(before->at("classes"), "accuracy") - number(after, "accuracy");
      drop += fall;
      largest = std::max(largest, fall);
      ++others;
    }
  }
  auto const n = static_cast<double>(forgotten.size());
  summary["forgotten_classes"] = forgotten;
  summary["forgotten_probability"] = probability / n;
  summary["forgotten_accuracy"] = accuracy / n;
  summary["forgotten_entropy"] = entropy / n;
  summary["forgotten_gray"] = gray / n;
  if (before != nullptr)
    summary["forgotten_before"] = {{"probability", probability_before / n}, {"accuracy", accuracy_before / n}};
  if (others > 0) {
    summary["retained_accuracy_drop"] = drop / static_cast<double>(others);
    summary["largest_retained_accuracy_drop"] = largest;
  }
  if (last.contains("attacks")) summary["recovered"] = recovered(last["attacks"], forgotten);
  return summary;
}

}  // namespace mneme
