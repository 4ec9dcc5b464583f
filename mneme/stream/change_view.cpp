// Changes of what may be seen. Whoever reads what is hidden gets a VisibilityError; strategies that need it are refused
// before anything is trained.
#include <torch/types.h>

#include "mneme/stream/changes.hpp"
#include "mneme/stream/making.hpp"

namespace mneme {
namespace {

struct NoOptions {
  void describe(OptionVisitor&) {}
};

void take_no_options(Json const& options, std::string const& where) {
  static_cast<void>(read_options<NoOptions>(options, where, {"kind"}));
}

Stream online(Stream stream, Json const& options, std::string const& where, std::uint64_t) {
  take_no_options(options, where);
  stream.visibility.once = true;
  stream.notes.emplace_back("passes", "one: each sample is seen once");
  return stream;
}

Stream hidden_task(Stream stream, Json const& options, std::string const& where, std::uint64_t) {
  take_no_options(options, where);
  if (stream.visibility.task_at_test)
    throw ConfigError(where +
                      ": the task is known at test in a task-incremental stream, so that it cannot be hidden "
                      "in training; use another scenario");
  stream.visibility.task_at_training = false;
  return stream;
}

/// The labels are not only hidden but gone: every one reads -1.
Stream unlabelled(Stream stream, Json const& options, std::string const& where, std::uint64_t) {
  take_no_options(options, where);
  stream.visibility.labels = false;
  for (auto& event : stream.events) {
    auto* task = std::get_if<Task>(&event);
    if (!task) continue;
    task->train = task->train.with(task->train.data(), at::full_like(task->train.labels(), -1));
    task->classes.clear();
  }
  return stream;
}

}  // namespace

ChangeRow online_row() {
  return {{.name = "online",
           .summary = "each sample is seen once: one epoch, which the trainer enforces",
           .paper = "Lopez-Paz and Ranzato 2017, Gradient episodic memory for continual learning, arXiv:1706.08840",
           .options = list_options<NoOptions>},
          online};
}

ChangeRow hidden_task_row() {
  return {{.name = "hidden-task",
           .summary = "the task id is hidden in training too; boundaries are still seen",
           .options = list_options<NoOptions>},
          hidden_task};
}

ChangeRow unlabelled_row() {
  return {{.name = "unlabelled",
           .summary = "the training labels are hidden, as for a learner that needs none (vae)",
           .options = list_options<NoOptions>},
          unlabelled};
}

}  // namespace mneme
