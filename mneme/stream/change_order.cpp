// Changes of when things come: the order of tasks, tasks that come back, tasks that flow into one another.
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "mneme/core/text.hpp"
#include "mneme/stream/changes.hpp"
#include "mneme/stream/making.hpp"

namespace mneme {
namespace {

/// Copies of the tasks. ConfigError where the stream asks to forget: such an event belongs to its place.
std::vector<Task> all_tasks(Stream const& stream, std::string const& where) {
  std::vector<Task> tasks;
  for (auto const* task : stream.tasks()) tasks.push_back(*task);
  if (tasks.size() != stream.events.size()) throw ConfigError(where + ": this stream has events other than tasks");
  return tasks;
}

void keep_tested(Stream& stream) {
  std::vector<Task> tested;
  for (auto const* task : stream.tested()) tested.push_back(*task);
  stream.evaluated = std::move(tested);
}

void check_task_numbers(std::vector<std::int64_t> const& order, std::size_t count, std::string const& where) {
  for (auto const t : order)
    if (t < 0 || static_cast<std::size_t>(t) >= count)
      throw ConfigError(where + ".order: there is no task " + std::to_string(t) + "; the stream has 0 to " +
                        std::to_string(count - 1));
}

// ------------------------------------------------------------------------------------------------------- task order

struct TaskOrderOptions {
  std::vector<std::int64_t> order;
  void describe(OptionVisitor& v) {
    v.field("order", order, {.help = "each task's number, from 0, in the order wanted; empty: drawn from the seed"});
  }
};

Stream task_order(Stream stream, Json const& options, std::string const& where, std::uint64_t seed) {
  auto const o = read_options<TaskOrderOptions>(options, where, {"kind"});
  auto const tasks = all_tasks(stream, where);
  if (!stream.evaluated.empty())
    throw ConfigError(where + ": the order of tasks must be changed before they are mixed or repeated");
  auto order = o.order;
  check_task_numbers(order, tasks.size(), where);
  if (order.empty())
    order = numbers_of(random_order(static_cast<std::int64_t>(tasks.size()), generator_of(seed, "task-order")));
  if (order.size() != tasks.size() || std::set(order.begin(), order.end()).size() != tasks.size())
    throw ConfigError(where + ".order: must name each of the " + std::to_string(tasks.size()) + " tasks once");
  for (std::size_t i = 0; i < order.size(); ++i) {
    auto task = tasks[static_cast<std::size_t>(order[i])];
    task.id = static_cast<std::int64_t>(i);
    stream.events[i] = std::move(task);
  }
  stream.notes.emplace_back("task order", numbers_text(order));
  return stream;
}

// ----------------------------------------------------------------------------------------------------------- repeat

struct RepeatOptions {
  std::int64_t times = 2;
  std::vector<std::int64_t> order;
  bool parts = false;
  void describe(OptionVisitor& v) {
    v.field("times", times, {.help = "how often the sequence of tasks is gone through", .min = 1, .max = 1e6});
    v.field("order", order, {.help = "instead: the numbers of the tasks, from 0, as they come, such as [0, 1, 0, 2]"});
    v.field("parts", parts,
            {.help = "each visit of a task brings another part of its samples, drawn from the seed; else all of them "
                     "every time"});
  }
};

Stream repeat(Stream stream, Json const& options, std::string const& where, std::uint64_t seed) {
  auto const o = read_options<RepeatOptions>(options, where, {"kind"});
  auto const tasks = all_tasks(stream, where);
  auto order = o.order;
  check_task_numbers(order, tasks.size(), where);
  for (std::int64_t round = 0; o.order.empty() && round < o.times; ++round)
    for (std::size_t t = 0; t < tasks.size(); ++t) order.push_back(static_cast<std::int64_t>(t));
  keep_tested(stream);
  stream.events.clear();
  std::map<std::int64_t, std::int64_t> visits, visited;
  for (auto const t : order) ++visits[t];
  for (auto const t : order) {
    auto task = tasks[static_cast<std::size_t>(t)];
    if (o.parts) {
      auto const rows = random_order(task.train.size(), generator_of(seed, "repeat/" + task.name));
      auto const n = task.train.size(), visit = visited[t]++;
      auto const first = n * visit / visits[t], end = n * (visit + 1) / visits[t];
      if (first == end)
        throw ConfigError(where + ": '" + task.name + "' has " + std::to_string(n) + " samples, too few for " +
                          std::to_string(visits[t]) + " parts");
      task.train = task.train.select(std::get<0>(rows.narrow(0, first, end - first).sort()));
    }
    stream.events.emplace_back(std::move(task));
  }
  stream.notes.emplace_back("repeated", "tasks come as " + numbers_text(order) +
                                            (o.parts ? ", each time with another part of their samples" : ""));
  return stream;
}

// ----------------------------------------------------------------------------------------------------------- blurry

struct BlurryOptions {
  double level = 0.1;
  double disjoint = 0;
  std::string from = "all";
  void describe(OptionVisitor& v) {
    v.field("level", level,
            {.help = "share of a class's samples that come in other tasks than its own (M / 100)",
             .min = 0,
             .below = 1,
             .source = "10 in Bang et al. 2021"});
    v.field("disjoint", disjoint,
            {.help = "share of the classes, drawn from the seed, that keep to their task (N / 100; 0.5 in i-Blurry)",
             .min = 0,
             .max = 1});
    v.field("from", from, {.help = "which tasks mix: all, or only neighbours", .choices = {"all", "neighbours"}});
  }
};

/// Labels that keep to their task.
std::set<std::int64_t> disjoint_classes(std::vector<Task> const& tasks, double share, std::uint64_t seed) {
  std::set<std::int64_t> all;
  for (auto const& task : tasks) all.insert(task.classes.begin(), task.classes.end());
  std::vector<std::int64_t> const classes(all.begin(), all.end());
  auto const order =
      numbers_of(random_order(static_cast<std::int64_t>(classes.size()), generator_of(seed, "blurry/disjoint")));
  auto const count = static_cast<std::size_t>(std::llround(share * static_cast<double>(classes.size())));
  std::set<std::int64_t> disjoint;
  for (std::size_t i = 0; i < count; ++i) disjoint.insert(classes[static_cast<std::size_t>(order[i])]);
  return disjoint;
}

/// The tasks that samples of task t go to.
std::vector<std::size_t> hosts_of(std::size_t t, std::size_t count, bool neighbours) {
  std::vector<std::size_t> hosts;
  for (std::size_t other = 0; other < count; ++other)
    if (other != t && (!neighbours || other + 1 == t || other == t + 1)) hosts.push_back(other);
  return hosts;
}

Stream blurry(Stream stream, Json const& options, std::string const& where, std::uint64_t seed) {
  refuse_unlabelled(stream, "blurry", where);
  auto const o = read_options<BlurryOptions>(options, where, {"kind"});
  auto const tasks = all_tasks(stream, where);
  if (stream.visibility.task_at_test)
    throw ConfigError(where +
                      ": boundaries cannot be blurred in a task-incremental stream, where the task of every "
                      "test sample is known; use scenario = \"class\" or \"domain\"");
  if (tasks.size() < 2) throw ConfigError(where + ": a stream of one task has no boundaries to blur");
  auto const disjoint = disjoint_classes(tasks, o.disjoint, seed);
  std::vector<std::vector<Dataset>> parts(tasks.size());
  for (std::size_t t = 0; t < tasks.size(); ++t) {
    auto const& task = tasks[t];
    auto const data = with_own_tasks(task);
    auto const hosts = hosts_of(t, tasks.size(), o.from == "neighbours");
    auto const generator = generator_of(seed, "blurry/" + task.name);
    std::vector<at::Tensor> staying, leaving;
    for (auto const c : task.classes) {
      auto const rows = data.labels().eq(c).nonzero().squeeze(1);
      auto const n = rows.size(0);
      auto const share = disjoint.contains(c) ? 0 : o.level;
      auto const leave = static_cast<std::int64_t>(std::llround(share * static_cast<double>(n)));
      auto const mixed = rows.index_select(0, random_order(n, generator));
      leaving.push_back(mixed.narrow(0, 0, leave));
      staying.push_back(mixed.narrow(0, leave, n - leave));
    }
    parts[t].push_back(data.select(std::get<0>(at::cat(staying).sort())));
    // Dealt out one by one, so that hosts get equal shares.
    auto gone = at::cat(leaving);
    gone = gone.index_select(0, random_order(gone.size(0), generator));
    for (std::size_t h = 0; h < hosts.size(); ++h) {
      auto const share =
          gone.slice(0, static_cast<std::int64_t>(h), std::nullopt, static_cast<std::int64_t>(hosts.size()));
      if (share.size(0) > 0) parts[hosts[h]].push_back(data.select(share));
    }
  }
  keep_tested(stream);
  for (std::size_t t = 0; t < tasks.size(); ++t) {
    auto& task = std::get<Task>(stream.events[t]);
    task.train = concatenate(task.train.name(), parts[t]);
    task.classes = classes_of(task.train);
  }
  stream.notes.emplace_back("blurry", format_number(100 * o.level) + " % of a class's samples in " +
                                          (o.from == "all" ? "other" : "neighbouring") + " tasks" +
                                          (disjoint.empty() ? ""
                                                            : "; classes that keep to their task: " +
                                                                  numbers_text({disjoint.begin(), disjoint.end()})));
  return stream;
}

// ---------------------------------------------------------------------------------------------------- boundary-free

struct BoundaryFreeOptions {
  double width = 0.5;
  void describe(OptionVisitor& v) {
    v.field("width", width,
            {.help = "how far tasks flow into one another: standard deviation of a sample's shift in time, in mean "
                     "task lengths; 0: one task after another, their ends unmarked",
             .min = 0});
  }
};

Stream boundary_free(Stream stream, Json const& options, std::string const& where, std::uint64_t seed) {
  auto const o = read_options<BoundaryFreeOptions>(options, where, {"kind"});
  auto const tasks = all_tasks(stream, where);
  if (stream.visibility.task_at_test)
    throw ConfigError(where +
                      ": a stream without boundaries does not know the task at test; use scenario = \"class\" "
                      "or \"domain\"");
  auto generator = generator_of(seed, "boundary-free");
  std::vector<Dataset> parts;
  std::vector<at::Tensor> times;
  double begin = 0;
  for (auto const& task : tasks) {
    parts.push_back(with_own_tasks(task));
    auto const n = task.train.size();
    times.push_back(at::rand({n}, generator, at::kDouble).mul_(static_cast<double>(n)).add_(begin));
    begin += static_cast<double>(n);
  }
  auto const shift = o.width * begin / static_cast<double>(tasks.size());
  auto time = at::cat(times);
  time.add_(at::randn({time.size(0)}, generator, at::kDouble), shift);
  auto const order = std::get<1>(time.sort(/*stable=*/true, /*dim=*/0, /*descending=*/false));
  keep_tested(stream);
  auto task = make_task(stream.name, 0, concatenate(stream.name, parts).select(order), tasks.back().test);
  task.ordered = true;
  stream.events = {std::move(task)};
  stream.visibility = {.task_at_training = false,
                       .task_at_test = false,
                       .boundaries = false,
                       .labels = stream.visibility.labels,
                       .once = true};  // a second pass would begin at a boundary
  stream.notes.emplace_back("boundaries", "none: " + std::to_string(tasks.size()) +
                                              " tasks flow into one another, width " + format_number(o.width));
  return stream;
}

}  // namespace

ChangeRow task_order_row() {
  return {{.name = "task-order",
           .summary = "the tasks in an order drawn from the seed, or in a given one",
           .options = list_options<TaskOrderOptions>},
          task_order};
}

ChangeRow repeat_row() {
  return {{.name = "repeat",
           .summary = "tasks come back, with all of their samples or with another part each time",
           .paper = "Hemati et al. 2023, Class-incremental learning with repetition, arXiv:2301.11396",
           .differences = "the order is given or is the same in every round; the paper draws it",
           .options = list_options<RepeatOptions>},
          repeat};
}

ChangeRow blurry_row() {
  return {{.name = "blurry",
           .summary = "blurred boundaries: a share of a class's samples comes in other tasks",
           .equation = "of a class with n samples round(level n) are dealt out evenly over the other tasks",
           .paper = "Bang et al. 2021, Rainbow memory, arXiv:2103.17230 (Blurry-M: level = M / 100); Koh et al. 2022, "
                    "Online continual learning on class incremental blurry task configuration, arXiv:2110.10031 "
                    "(i-Blurry-N-M: disjoint = N / 100)",
           .options = list_options<BlurryOptions>},
          blurry};
}

ChangeRow boundary_free_row() {
  return {
      .info = {.name = "boundary-free",
               .summary =
                   "no boundaries: one event in which the tasks flow into one another; task and boundaries hidden, "
                   "each sample seen once",
               .equation =
                   "sample i of task t comes at time b_t + n_t u_i + width (N / T) g_i, u uniform, g standard normal",
               .paper =
                   "Shanahan, Kaplanis and Mitrovic 2021, Encoders and ensembles for task-free continual learning, "
                   "arXiv:2105.13327",
               .differences = "the paper draws samples by a Gaussian schedule with replacement; here each comes once",
               .options = list_options<BoundaryFreeOptions>},
      .apply = boundary_free,
      .takes_boundaries = true};
}

}  // namespace mneme
