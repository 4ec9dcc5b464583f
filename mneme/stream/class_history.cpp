#include "mneme/stream/class_history.hpp"

#include <torch/types.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "mneme/data/numbers.hpp"

namespace mneme {
namespace {

std::set<std::int64_t> classes_of(Task const& task) {
  std::set<std::int64_t> classes(task.classes.begin(), task.classes.end());
  if (!classes.empty()) return classes;
  auto const labels = numbers_of(std::get<0>(at::_unique(task.train.labels())));
  classes.insert(labels.begin(), labels.end());
  classes.erase(-1);  // no label
  return classes;
}

}  // namespace

ClassHistory class_history(Stream const& stream, std::int64_t last) {
  ClassHistory history;
  std::map<std::string, std::set<std::int64_t>> of_task;  // what is known of each
  for (std::size_t i = 0; i < stream.events.size() && static_cast<std::int64_t>(i) <= last; ++i) {
    if (auto const* task = std::get_if<Task>(&stream.events[i])) {
      auto const classes = classes_of(*task);
      history.learnt.insert(classes.begin(), classes.end());
      of_task[task->name].insert(classes.begin(), classes.end());
      continue;
    }
    auto const& request = std::get<Request>(stream.events[i]);
    for (auto const& name : request.tasks) of_task.erase(name);
    for (auto& [name, classes] : of_task)
      for (auto const c : request.classes) classes.erase(c);
  }
  for (auto const& [name, classes] : of_task) history.known.insert(classes.begin(), classes.end());
  std::set_difference(history.learnt.begin(), history.learnt.end(), history.known.begin(), history.known.end(),
                      std::inserter(history.forgotten, history.forgotten.end()));
  return history;
}

}  // namespace mneme
