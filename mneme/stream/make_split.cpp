// split: the classes of one data set, dealt out over the tasks.
#include <torch/types.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "mneme/stream/making.hpp"

namespace mneme {
namespace {

using Classes = std::vector<std::int64_t>;

struct SplitOptions {
  std::string dataset = "mnist";
  std::int64_t tasks = 5;
  std::int64_t first = 0, step = 0;
  std::vector<std::int64_t> sizes;
  std::string scenario = "class";
  std::vector<std::int64_t> order;
  bool shuffle = false;
  void describe(OptionVisitor& v) {
    v.field("dataset", dataset, {.help = "data set whose classes are dealt out"});
    v.field(
        "tasks", tasks,
        {.help = "number of tasks of equal size; must divide the number of classes. `first` or `sizes` go before it",
         .min = 1});
    v.field("first", first,
            {.help = "classes of the first task, with `step` for each that follows; 0: as `tasks` says", .min = 0});
    v.field("step", step, {.help = "classes of each task after the first", .min = 0});
    v.field("sizes", sizes,
            {.help = "number of classes of each task, where nothing else fits; with `order` any groups", .min = 1});
    v.field("scenario", scenario,
            {.help = "class: classes as they are, the task hidden at test; task: the same, the task known at test; "
                     "domain: labels within the task, hidden at test",
             .choices = {"class", "domain", "task"}});
    v.field("order", order, {.help = "class order; empty: as numbered, or drawn (`shuffle`)"});
    v.field("shuffle", shuffle, {.help = "draw the class order from the seed; `mneme show` tells it"});
  }
};

Classes order_of(SplitOptions const& o, Classes const& all, std::string const& where, std::uint64_t seed) {
  if (!o.order.empty() && o.shuffle)
    throw ConfigError(where + ".order and " + where + ".shuffle exclude each other; keep one of them");
  if (o.shuffle) {
    Classes order;
    for (auto const at :
         numbers_of(random_order(static_cast<std::int64_t>(all.size()), generator_of(seed, "class-order"))))
      order.push_back(all[static_cast<std::size_t>(at)]);
    return order;
  }
  if (o.order.empty()) return all;
  if (o.order.size() != all.size() || std::set(o.order.begin(), o.order.end()) != std::set(all.begin(), all.end()))
    throw ConfigError(where + ".order: must name each of the " + std::to_string(all.size()) + " classes once");
  return o.order;
}

/// How many classes each task has.
Classes sizes_of(SplitOptions const& o, std::int64_t count, std::string const& where) {
  auto const all = std::to_string(count) + " classes of " + o.dataset;
  if (!o.sizes.empty()) {
    auto const sum = std::accumulate(o.sizes.begin(), o.sizes.end(), std::int64_t{0});
    if (sum != count) throw ConfigError(where + ".sizes: add up to " + std::to_string(sum) + ", not to the " + all);
    return o.sizes;
  }
  if (o.first > 0) {
    if (o.first > count || (o.first < count && (o.step == 0 || (count - o.first) % o.step != 0)))
      throw ConfigError(where + ".first: " + std::to_string(o.first) + " and then steps of " + std::to_string(o.step) +
                        " do not make the " + all);
    Classes sizes(o.first < count ? static_cast<std::size_t>(1 + (count - o.first) / o.step) : 1, o.step);
    sizes.front() = o.first;
    return sizes;
  }
  if (o.step > 0) throw ConfigError(where + ".step: goes with `first`; for steps of equal size set `tasks`");
  if (count % o.tasks != 0)
    throw ConfigError(where + ".tasks: " + std::to_string(o.tasks) + " does not divide the " + all +
                      "; for tasks of different sizes set `first` and `step`, or `sizes`");
  return Classes(static_cast<std::size_t>(o.tasks), count / o.tasks);
}

Dataset of_classes(Dataset const& data, Classes const& classes, bool within) {
  auto mask = at::zeros({data.size()}, at::kBool);
  for (auto c : classes) mask.logical_or_(data.labels() == c);
  auto part = data.select(mask.nonzero().squeeze(1));
  if (!within) return part;
  auto labels = at::empty_like(part.labels());
  for (std::size_t i = 0; i < classes.size(); ++i)
    labels.masked_fill_(part.labels() == classes[i], static_cast<std::int64_t>(i));
  return part.with(part.data(), labels);
}

/// "mnist-0-1"; of more than ten classes the first and the last are named.
std::string task_name(std::string name, Classes const& classes) {
  constexpr std::size_t kNamed = 10;
  if (classes.size() > kNamed)
    return name + "-" + std::to_string(classes.front()) + "-to-" + std::to_string(classes.back());
  for (auto c : classes) name.append("-").append(std::to_string(c));
  return name;
}

Stream make_split(Json const& options, std::string const& where, DataSource const& source, std::uint64_t seed) {
  auto const o = read_options<SplitOptions>(options, where, {"kind"});
  auto const train = source(o.dataset, "train"), test = source(o.dataset, "test");
  if (train.size() > 0 && train.labels().min().item<std::int64_t>() < 0)
    throw ConfigError(where + ".dataset: '" + o.dataset +
                      "' has samples without a label, which belong to no task; use a domain stream");
  auto const order = order_of(o, classes_of(train), where, seed);
  auto const sizes = sizes_of(o, static_cast<std::int64_t>(order.size()), where);
  bool const within = o.scenario == "domain";
  auto stream = empty_stream("split", o.scenario);
  stream.classes = within ? *std::max_element(sizes.begin(), sizes.end()) : class_count(train);
  auto next = order.begin();
  for (auto const size : sizes) {
    Classes const classes(next, next + size);
    next += size;
    stream.events.emplace_back(make_task(task_name(o.dataset, classes), static_cast<std::int64_t>(stream.events.size()),
                                         of_classes(train, classes, within), of_classes(test, classes, within)));
  }
  stream.notes = {{"class order", numbers_text(order)}, {"classes per task", numbers_text(sizes)}};
  return stream;
}

}  // namespace

StreamRow split_row() {
  return {{.name = "split",
           .summary = "the classes of one data set, dealt out over the tasks",
           .options = list_options<SplitOptions>},
          make_split};
}

}  // namespace mneme
