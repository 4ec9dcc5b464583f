#include "mneme/stream/makers.hpp"

#include <torch/types.h>

#include <algorithm>

#include "mneme/core/errors.hpp"
#include "mneme/stream/changes.hpp"
#include "mneme/stream/making.hpp"

namespace mneme {
namespace {

/// A task that comes back, if by another name or in another copy.
bool same_samples(Dataset const& a, Dataset const& b) {
  return at::equal(a.labels(), b.labels()) && a.data().scalar_type() == b.data().scalar_type() &&
         at::equal(a.data(), b.data());
}

bool contains(std::vector<Dataset> const& sets, Dataset const& set) {
  return std::any_of(sets.begin(), sets.end(), [&](Dataset const& other) { return same_samples(other, set); });
}

/// An online stream that shows a sample in two events would break its word.
void refuse_repeated_data(Stream const& stream, std::string const& where) {
  auto const tasks = stream.tasks();
  for (std::size_t i = 0; stream.visibility.once && i < tasks.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (same_samples(tasks[i]->train, tasks[j]->train))
        throw ConfigError(where + ".with: an online stream shows each sample once, but '" + tasks[i]->name +
                          "' comes back with the same samples; set parts = true in `repeat`");
}

}  // namespace

std::span<StreamRow const> stream_table() {
  static std::vector<StreamRow> const table = {domain_row(), split_row(), permuted_row(), rotated_row()};
  return table;
}

Stream make_stream(Json const& options, std::string const& where, DataSource const& source, std::uint64_t seed) {
  auto own = options;
  own.erase("with");
  auto stream = find_row(stream_table(), "stream", own.at("kind").get<std::string>()).make(own, where, source, seed);
  auto const changes = options.value("with", Json::array());
  for (std::size_t i = 0; i < changes.size(); ++i) {
    auto const& row = find_row(change_table(), "stream change", changes[i].at("kind").get<std::string>());
    if (row.takes_labels && i + 1 < changes.size())
      throw ConfigError(where + ".with: `" + row.info.name + "` must be the last change, since others look at labels");
    if (row.splits && i > 0)
      throw ConfigError(where + ".with: `" + row.info.name + "` must be the first change: what others do to training " +
                        "samples would come into the test sets");
    stream = row.apply(std::move(stream), changes[i], where + ".with." + std::to_string(i), seed);
  }
  refuse_repeated_data(stream, where);
  return stream;
}

Json stream_record(Stream const& stream) {
  auto const& visible = stream.visibility;
  Json said = Json::object();
  for (auto const& [about, what] : stream.notes) said[about] = what;
  return {{"scenario", stream.scenario},
          {"events", stream.events.size()},
          {"visible",
           {{"task_at_training", visible.task_at_training},
            {"task_at_test", visible.task_at_test},
            {"boundaries", visible.boundaries},
            {"labels", visible.labels},
            {"once", visible.once}}},
          {"notes", said}};
}

Stream joint_of(Stream const& stream) {
  std::vector<Dataset> train;
  std::vector<Dataset> test;
  Stream joint = stream;
  joint.evaluated.clear();
  for (auto const* task : stream.tested()) joint.evaluated.push_back(*task);
  for (auto const* task : stream.tasks()) {
    if (contains(train, task->train)) continue;
    train.push_back(with_own_tasks(*task));
    test.push_back(task->test);
  }
  joint.events.clear();
  joint.events.emplace_back(make_task("joint", 0, concatenate("joint", train), concatenate("joint", test)));
  return joint;
}

Stream cumulative_of(Stream const& stream) {
  if (stream.visibility.once)
    throw ConfigError(
        "strategy 'cumulative' learns all earlier data again at each event, and this stream is online: "
        "each sample is seen once. Use joint, or a stream that is not online");
  Stream cumulative = stream;
  std::vector<Dataset> seen;
  for (auto& event : cumulative.events) {
    auto* task = std::get_if<Task>(&event);
    if (task == nullptr)
      throw ConfigError("strategy 'cumulative' learns all earlier data again at each event, so '" + event_name(event) +
                        "' would not stay forgotten; use another strategy");
    if (!contains(seen, task->train)) seen.push_back(with_own_tasks(*task));
    if (seen.size() > 1) task->train = concatenate(task->train.name(), seen);
  }
  return cumulative;
}

}  // namespace mneme
