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

namespace {

double number(Json const& row, std::int64_t label, char const* key) {
  return row.at("classes").at(static_cast<std::size_t>(label)).at(key).get<double>();
}

std::set<std::int64_t> known_at(Json const& row, Stream const& stream) {
  return class_history(stream, row.at("event").get<std::int64_t>()).known;
}

/// Means over the classes, of the last row and before.
Json of_forgotten(Json const& rows, std::vector<std::int64_t> const& forgotten, Stream const& stream) {
  Json summary = {{"forgotten_classes", forgotten}};
  auto const n = static_cast<double>(forgotten.size());
  for (auto const* key : {"probability", "accuracy", "entropy", "gray"}) {
    double sum = 0;
    for (auto const c : forgotten) sum += number(rows.back(), c, key);
    summary[std::string("forgotten_") + key] = sum / n;
  }
  double probability = 0, accuracy = 0, found = 0;
  for (auto const c : forgotten)
    for (auto row = rows.rbegin(); row != rows.rend(); ++row) {
      if (!known_at(*row, stream).contains(c)) continue;
      probability += number(*row, c, "probability");
      accuracy += number(*row, c, "accuracy");
      ++found;
      break;
    }
  if (found == n) summary["forgotten_before"] = {{"probability", probability / n}, {"accuracy", accuracy / n}};
  return summary;
}

/// What the last request, or the last ones that follow one another, cost the other classes.
Json of_retained(Json const& rows, Stream const& stream) {
  auto const asked = [&](std::size_t i) { return rows[i].at("kind") == "forget"; };
  auto last = rows.size();
  while (last > 0 && !asked(last - 1)) --last;
  if (last < 2) return Json::object();  // none, or nothing was judged before it
  auto first = last - 1;
  while (first > 1 && asked(first - 1)) --first;  // the first row of a branch is what it began with
  auto const &before = rows[first - 1], &after = rows[last - 1];
  auto const known = known_at(before, stream), still = known_at(after, stream);
  double drop = 0, largest = -1, others = 0;
  for (auto const c : known) {
    if (!still.contains(c)) continue;
    auto const fall = number(before, c, "accuracy") - number(after, c, "accuracy");
    drop += fall;
    largest = std::max(largest, fall);
    ++others;
  }
  if (others == 0) return Json::object();
  return {{"retained_accuracy_drop", drop / others}, {"largest_retained_accuracy_drop", largest}};
}

}  // namespace

Json judgement_summary(Json const& judged, Stream const& stream) {
  auto const& rows = judged.at("rows");
  Json summary = {{"judge", judged.at("judge")}};
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
  if (!last.contains("classes")) return summary;
  auto const forgotten = forgotten_classes(stream, last.at("event").get<std::int64_t>());
  if (forgotten.empty()) return summary;
  summary.update(of_forgotten(rows, forgotten, stream));
  summary.update(of_retained(rows, stream));
  auto const blank = judged.value("blank", Json::object());
  for (auto const& [picture, answer] : blank.items()) {
    double sum = 0;
    for (auto const c : forgotten) sum += answer.at(static_cast<std::size_t>(c)).get<double>();
    summary["forgotten_blank"][picture] = sum / static_cast<double>(forgotten.size());
  }
  if (last.contains("attacks")) summary["recovered"] = recovered(last["attacks"], forgotten);
  return summary;
}

}  // namespace mneme
