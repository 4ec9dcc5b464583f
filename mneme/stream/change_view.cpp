// Changes of what may be seen. Whoever reads what is hidden gets a VisibilityError; strategies that need it are refused
// before anything is trained.
#include <torch/types.h>

#include "mneme/stream/changes.hpp"
#include "mneme/stream/making.hpp"

namespace mneme {
namespace {

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

struct FewLabelsOptions {
  std::int64_t labels = 100;
  void describe(OptionVisitor& v) {
    v.field("labels", labels, {.help = "labelled training samples of each task, as many of each class", .min = 1});
  }
};

/// The others keep their place and read -1.
Stream few_labels(Stream stream, Json const& options, std::string const& where, std::uint64_t seed) {
  auto const o = read_options<FewLabelsOptions>(options, where, {"kind"});
  for (auto& event : stream.events) {
    auto* task = std::get_if<Task>(&event);
    if (!task) continue;
    auto const classes = static_cast<std::int64_t>(task->classes.size());
    if (classes == 0 || o.labels % classes != 0)
      throw ConfigError(where + ".labels: " + std::to_string(o.labels) + " is no multiple of the " +
                        std::to_string(classes) + " classes of '" + task->name + "', and each is to have as many");
    auto const& all = task->train.labels();
    auto kept = at::full_like(all, -1);
    for (auto const label : task->classes) {
      auto const rows = all.eq(label).nonzero().squeeze(1);
      if (rows.size(0) < o.labels / classes)
        throw ConfigError(where + ".labels: class " + std::to_string(label) + " of '" + task->name + "' has " +
                          std::to_string(rows.size(0)) + " samples, fewer than " + std::to_string(o.labels / classes));
      auto generator = generator_of(seed, "few-labels/" + task->name + "/" + std::to_string(label));
      auto const order = random_order(rows.size(0), std::move(generator)).narrow(0, 0, o.labels / classes);
      kept.index_fill_(0, rows.index_select(0, order), label);
    }
    task->train = task->train.with(task->train.data(), kept);
  }
  stream.notes.emplace_back("labels", std::to_string(o.labels) + " training samples of each task have one");
  return stream;
}

}  // namespace

ChangeRow few_labels_row() {
  return {
      .info = {.name = "few-labels",
               .summary =
                   "all but a few training labels read -1, for a learner that can do without (lgaa, semi-supervised)",
               .options = list_options<FewLabelsOptions>},
      .apply = few_labels,
      .takes_labels = true};
}

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
  return {.info = {.name = "unlabelled",
                   .summary = "the training labels are hidden, as for a learner that needs none (vae)",
                   .options = list_options<NoOptions>},
          .apply = unlabelled,
          .takes_labels = true};
}

}  // namespace mneme
