#include "mneme/stream/makers.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/nn/functional.h>
#include <torch/types.h>

#include <cmath>
#include <numbers>
#include <set>

#include "mneme/core/seed.hpp"

namespace mneme {
namespace {

std::vector<std::int64_t> classes_of(Dataset const& data) {
  auto const unique = std::get<0>(at::_unique(data.labels()));
  return {unique.data_ptr<std::int64_t>(), unique.data_ptr<std::int64_t>() + unique.numel()};
}

Task make_task(std::string name, std::int64_t id, Dataset train, Dataset test) {
  Task task{std::move(name), id, std::move(train), std::move(test), {}};
  task.classes = classes_of(task.train);
  return task;
}

std::int64_t class_count(Dataset const& data) {
  auto const highest = data.labels().max().item<std::int64_t>() + 1;
  return std::max(highest, static_cast<std::int64_t>(data.class_names().size()));
}

// ---------------------------------------------------------------------------------------------------------- domain

struct DomainOptions {
  std::vector<std::string> datasets = {"fashion-mnist", "mnist"};
  void describe(OptionVisitor& v) {
    v.field("datasets", datasets, {.help = "data sets in order; each is one task with the same outputs"});
  }
};

/// Labels are outputs, so a class that two sets name must be the same output in both.
void refuse_renumbered_classes(Dataset const& before, Dataset const& other, std::string const& where) {
  for (std::size_t i = 0; i < before.class_names().size(); ++i)
    for (std::size_t j = 0; j < other.class_names().size(); ++j)
      if (before.class_names()[i] == other.class_names()[j] && i != j)
        throw ConfigError(where + ".datasets: class '" + other.class_names()[j] + "' is output " + std::to_string(i) +
                          " in '" + before.name() + "' and output " + std::to_string(j) + " in '" + other.name() +
                          "'. Give both sets the same classes in the same order");
}

Stream make_domain(Json const& options, std::string const& where, DataSource const& source, std::uint64_t) {
  auto const o = read_options<DomainOptions>(options, where, {"kind"});
  if (o.datasets.empty()) throw ConfigError(where + ".datasets: empty; name at least one data set");
  Stream stream{.name = "domain", .scenario = "domain-incremental", .visibility = {}, .classes = 0, .events = {}};
  std::set<std::string> seen;
  for (auto const& name : o.datasets) {
    auto const train = source(name, "train"), test = source(name, "test");
    auto task = make_task(name, static_cast<std::int64_t>(stream.events.size()), train, test);
    for (int copy = 2; !seen.insert(task.name).second; ++copy) task.name = name + "-" + std::to_string(copy);
    for (auto const* before : stream.tasks()) {
      if (task.train.sample_shape() != before->train.sample_shape())
        throw ConfigError(where + ".datasets: '" + name + "' has samples of another shape than '" + before->name +
                          "'; a domain stream needs equal shapes");
      refuse_renumbered_classes(before->train, task.train, where);
    }
    stream.classes = std::max(stream.classes, class_count(task.train));
    stream.events.emplace_back(std::move(task));
  }
  return stream;
}

// ----------------------------------------------------------------------------------------------------------- split

struct SplitOptions {
  std::string dataset = "mnist";
  std::int64_t tasks = 5;
  std::string scenario = "class";
  std::vector<std::int64_t> order;
  void describe(OptionVisitor& v) {
    v.field("dataset", dataset, {.help = "data set whose classes are dealt out"});
    v.field("tasks", tasks, {.help = "number of tasks; must divide the number of classes", .min = 1});
    v.field("scenario", scenario,
            {.help = "class: classes as they are, the task hidden at test; task: the same, the task known at test; "
                     "domain: labels within the task, hidden at test",
             .choices = {"class", "domain", "task"}});
    v.field("order", order, {.help = "class order; empty: as numbered"});
  }
};

Dataset of_classes(Dataset const& data, std::vector<std::int64_t> const& classes, bool within) {
  auto mask = at::zeros({data.size()}, at::kBool);
  for (auto c : classes) mask.logical_or_(data.labels() == c);
  auto part = data.select(mask.nonzero().squeeze(1));
  if (!within) return part;
  auto labels = at::empty_like(part.labels());
  for (std::size_t i = 0; i < classes.size(); ++i)
    labels.masked_fill_(part.labels() == classes[i], static_cast<std::int64_t>(i));
  return part.with(part.data(), labels);
}

Stream make_split(Json const& options, std::string const& where, DataSource const& source, std::uint64_t) {
  auto const o = read_options<SplitOptions>(options, where, {"kind"});
  auto const train = source(o.dataset, "train"), test = source(o.dataset, "test");
  auto order = o.order;
  auto const all = classes_of(train);
  if (order.empty()) order = all;
  if (std::set<std::int64_t>(order.begin(), order.end()) != std::set<std::int64_t>(all.begin(), all.end()) ||
      order.size() != all.size())
    throw ConfigError(where + ".order: must name each of the " + std::to_string(all.size()) + " classes once");
  auto const count = static_cast<std::int64_t>(order.size());
  if (count % o.tasks != 0)
    throw ConfigError(where + ".tasks: " + std::to_string(o.tasks) + " does not divide the " + std::to_string(count) +
                      " classes of " + o.dataset);
  bool const within = o.scenario == "domain";
  auto const width = count / o.tasks;
  Stream stream{.name = "split",
                .scenario = o.scenario + "-incremental",
                .visibility = {.task_at_test = o.scenario == "task"},
                .classes = within ? width : class_count(train),
                .events = {}};
  for (std::int64_t t = 0; t < o.tasks; ++t) {
    std::vector<std::int64_t> const classes(order.begin() + t * width, order.begin() + (t + 1) * width);
    std::string name = o.dataset;
    for (auto c : classes) name.append("-").append(std::to_string(c));
    stream.events.emplace_back(
        make_task(name, t, of_classes(train, classes, within), of_classes(test, classes, within)));
  }
  return stream;
}

// -------------------------------------------------------------------------------------------------------- permuted

struct PermutedOptions {
  std::string dataset = "mnist";
  std::int64_t tasks = 10;
  bool first_plain = true;
  void describe(OptionVisitor& v) {
    v.field("dataset", dataset, {.help = "data set whose pixels are permuted"});
    v.field("tasks", tasks, {.help = "number of tasks", .min = 1});
    v.field("first_plain", first_plain, {.help = "leave the first task as it is"});
  }
};

Stream make_permuted(Json const& options, std::string const& where, DataSource const& source, std::uint64_t seed) {
  auto const o = read_options<PermutedOptions>(options, where, {"kind"});
  auto const train = source(o.dataset, "train"), test = source(o.dataset, "test");
  Stream stream{.name = "permuted",
                .scenario = "domain-incremental",
                .visibility = {},
                .classes = class_count(train),
                .events = {}};
  auto const pixels = train.data().numel() / train.size();
  for (std::int64_t t = 0; t < o.tasks; ++t) {
    auto const name = o.dataset + "-permuted-" + std::to_string(t);
    if (t == 0 && o.first_plain) {
      stream.events.emplace_back(make_task(o.dataset, t, train, test));
      continue;
    }
    auto generator = at::detail::createCPUGenerator(stream_seed(seed, name));
    auto const permutation = at::randperm(pixels, generator, at::kLong);
    auto const permute = [&](Dataset const& d) {
      return d.with(d.data().flatten(1).index_select(1, permutation).view(d.data().sizes()), d.labels());
    };
    stream.events.emplace_back(make_task(name, t, permute(train), permute(test)));
  }
  return stream;
}

// --------------------------------------------------------------------------------------------------------- rotated

struct RotatedOptions {
  std::string dataset = "mnist";
  std::vector<double> degrees = {0, 45, 90, 135};
  void describe(OptionVisitor& v) {
    v.field("dataset", dataset, {.help = "data set of images to rotate"});
    v.field("degrees", degrees, {.help = "angle of each task, anticlockwise", .unit = "degrees"});
  }
};

at::Tensor rotate(at::Tensor const& images, double degrees) {
  namespace F = torch::nn::functional;
  double const a = degrees * std::numbers::pi / 180;
  // affine_grid maps output to input positions, so this is the inverse rotation; y points down.
  auto const theta = at::tensor({std::cos(a), -std::sin(a), 0.0, std::sin(a), std::cos(a), 0.0}).view({1, 2, 3});
  std::vector<at::Tensor> parts;
  for (auto const& part : images.split(4096)) {
    auto const grid = F::affine_grid(theta.to(at::kFloat).expand({part.size(0), 2, 3}), part.sizes(), false);
    auto const turned = F::grid_sample(
        part.to(at::kFloat), grid,
        F::GridSampleFuncOptions().mode(torch::kBilinear).padding_mode(torch::kZeros).align_corners(false));
    parts.push_back(turned.round_().clamp_(0, 255).to(images.scalar_type()));
  }
  return at::cat(parts);
}

Stream make_rotated(Json const& options, std::string const& where, DataSource const& source, std::uint64_t) {
  auto const o = read_options<RotatedOptions>(options, where, {"kind"});
  auto const train = source(o.dataset, "train"), test = source(o.dataset, "test");
  if (train.data().dim() != 4 || train.data().scalar_type() != at::kByte)
    throw ConfigError(where + ".dataset: '" + o.dataset + "' holds no images; only images can be rotated");
  Stream stream{.name = "rotated",
                .scenario = "domain-incremental",
                .visibility = {},
                .classes = class_count(train),
                .events = {}};
  for (auto const degrees : o.degrees) {
    auto const turn = [&](Dataset const& d) {
      return degrees == 0 ? d : d.with(rotate(d.data(), degrees), d.labels());
    };
    auto text = std::to_string(degrees);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    stream.events.emplace_back(make_task(o.dataset + "-rotated-" + text,
                                         static_cast<std::int64_t>(stream.events.size()), turn(train), turn(test)));
  }
  return stream;
}

std::vector<StreamRow> make_table() {
  return {
      {{.name = "domain",
        .summary = "one data set after another, the same outputs for each",
        .options = list_options<DomainOptions>},
       make_domain},
      {{.name = "split",
        .summary = "the classes of one data set, dealt out over the tasks",
        .options = list_options<SplitOptions>},
       make_split},
      {{.name = "permuted",
        .summary = "one data set under a fixed random permutation of the pixels per task",
        .paper = "Goodfellow et al. 2013, An empirical investigation of catastrophic forgetting, arXiv:1312.6211",
        .options = list_options<PermutedOptions>},
       make_permuted},
      {{.name = "rotated",
        .summary = "one data set of images at a fixed angle per task",
        .paper = "Lopez-Paz and Ranzato 2017, Gradient episodic memory for continual learning, arXiv:1706.08840",
        .options = list_options<RotatedOptions>},
       make_rotated},
  };
}

/// Its training data, each sample with the id of its task.
Dataset with_own_tasks(Task const& task) {
  if (task.train.tasks().defined()) return task.train;
  return task.train.with_tasks(at::full({task.train.size()}, task.id, at::kLong));
}

}  // namespace

std::span<StreamRow const> stream_table() {
  static std::vector<StreamRow> const table = make_table();
  return table;
}

Stream joint_of(Stream const& stream) {
  std::vector<Dataset> train;
  std::vector<Dataset> test;
  for (auto const* task : stream.tasks()) {
    train.push_back(with_own_tasks(*task));
    test.push_back(task->test);
  }
  Stream joint = stream;
  joint.evaluated.clear();
  for (auto const* task : stream.tasks()) joint.evaluated.push_back(*task);
  joint.events.clear();
  joint.events.emplace_back(make_task("joint", 0, concatenate("joint", train), concatenate("joint", test)));
  return joint;
}

Stream cumulative_of(Stream const& stream) {
  Stream cumulative = stream;
  std::vector<Dataset> seen;
  for (auto& event : cumulative.events) {
    auto* task = std::get_if<Task>(&event);
    if (task == nullptr) continue;
    seen.push_back(with_own_tasks(*task));
    if (seen.size() > 1) task->train = concatenate(task->train.name(), seen);
  }
  return cumulative;
}

}  // namespace mneme
