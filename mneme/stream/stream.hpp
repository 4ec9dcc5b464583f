// stream: what a learner meets, as a sequence of events: learn this task, forget that class.
//
// What may be seen (task id at training and at test, boundaries, labels, one pass or several) is a property of the
// stream; reading what is not visible throws VisibilityError.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "mneme/data/dataset.hpp"

namespace mneme {

struct Task {
  std::string name;
  std::int64_t id = 0;  // position among the stream's tasks
  Dataset train, test;
  std::vector<std::int64_t> classes;  // labels that occur in it
  bool ordered = false;               // samples come as they stand in `train`, which drifts; else shuffled
};

/// What is to be forgotten. Exactly one of the lists is filled.
struct Request {
  std::string name;
  std::vector<std::int64_t> classes;
  std::vector<std::int64_t> samples;  // indices into the training data seen so far
  std::vector<std::string> tasks;
};

using Event = std::variant<Task, Request>;
[[nodiscard]] inline bool is_learn(Event const& event) { return std::holds_alternative<Task>(event); }
[[nodiscard]] inline std::string const& event_name(Event const& event) {
  return is_learn(event) ? std::get<Task>(event).name : std::get<Request>(event).name;
}

struct Visibility {
  bool task_at_training = true;
  bool task_at_test = false;
  bool boundaries = true;
  bool labels = true;  // of the training data
  bool once = false;   // online: one pass over each event's data, which the trainer enforces
};

struct Stream {
  std::string name;
  std::string scenario;  // domain-incremental, class-incremental, task-incremental
  Visibility visibility;
  std::int64_t classes = 0;  // of the whole stream: outputs of a shared head
  std::vector<Event> events;
  std::vector<Task> evaluated = {};  // the matrix's columns where they are not the tasks of the events (joint)
  /// What the maker decided, for whoever reads about the run: {"class order", "3 1 2 0"}.
  std::vector<std::pair<std::string, std::string>> notes = {};

  /// The tasks of the Learn events.
  [[nodiscard]] std::vector<Task const*> tasks() const;
  /// The tasks that are tested after every event: the columns of the evaluation matrix.
  [[nodiscard]] std::vector<Task const*> tested() const;
};

}  // namespace mneme
