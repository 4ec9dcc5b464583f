#include "mneme/stream/making.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/nn/functional.h>
#include <torch/types.h>

#include <algorithm>

#include "mneme/core/extents.hpp"
#include "mneme/core/seed.hpp"
#include "mneme/core/text.hpp"

namespace mneme {
namespace {

/// Rounded and cut to what a byte holds.
at::Tensor as_bytes(at::Tensor const& values) { return values.round().clamp(0, 255).to(at::kByte); }

/// What `change` makes of the images, some thousands at a time: floats take four times the room of bytes.
template <class Change>
at::Tensor in_parts(at::Tensor const& images, Change const& change) {
  std::vector<at::Tensor> parts;
  for (auto const& part : images.split(4096)) parts.push_back(as_bytes(change(part.to(at::kFloat))));
  return at::cat(parts);
}

}  // namespace

void take_no_options(Json const& options, std::string const& where) {
  static_cast<void>(read_options<NoOptions>(options, where, {"kind"}));
}

std::vector<std::int64_t> classes_of(Dataset const& data) {
  auto const& labels = data.labels();
  return numbers_of(std::get<0>(at::_unique(labels.masked_select(labels.ge(0)))));
}

Task make_task(std::string name, std::int64_t id, Dataset train, Dataset test) {
  Task task{std::move(name), id, std::move(train), std::move(test), {}};
  task.classes = classes_of(task.train);
  if (task.classes.empty()) task.classes = classes_of(task.test);  // no training sample has a label
  return task;
}

void refuse_unlabelled(Stream const& stream, std::string const& name, std::string const& where) {
  for (auto const* task : stream.tasks())
    if (task->train.size() > 0 && task->train.labels().min().item<std::int64_t>() < 0)
      throw ConfigError(where + ": `" + name + "` goes by labels, and '" + task->name + "' has samples without one");
}

Dataset with_own_tasks(Task const& task) {
  if (task.train.tasks().defined()) return task.train;
  return task.train.with_tasks(at::full({task.train.size()}, task.id, at::kLong));
}

std::int64_t class_count(Dataset const& data) {
  auto const highest = data.labels().max().item<std::int64_t>() + 1;
  return std::max({highest, static_cast<std::int64_t>(data.class_names().size()), std::int64_t{1}});
}

at::Generator generator_of(std::uint64_t seed, std::string_view name) {
  return at::detail::createCPUGenerator(stream_seed(seed, name));
}

at::Tensor random_order(std::int64_t n, at::Generator generator) {
  return at::randperm(n, std::move(generator), at::kLong);
}

std::string numbers_text(std::vector<std::int64_t> const& numbers) {
  std::vector<std::string> texts;
  for (auto const number : numbers) texts.push_back(std::to_string(number));
  return join(texts, " ");
}

// -------------------------------------------------------------------------------------------------------- scenarios

void describe_scenario(OptionVisitor& v, std::string& scenario) {
  v.field("scenario", scenario,
          {.help = "domain: the same outputs for every task, the task hidden at test; class: each task has outputs of "
                   "its own, the task hidden at test; task: the same, the task known at test",
           .choices = {"class", "domain", "task"}});
}

Stream empty_stream(std::string name, std::string const& scenario) {
  return {.name = std::move(name),
          .scenario = scenario + "-incremental",
          .visibility = {.task_at_test = scenario == "task"},
          .classes = 0,
          .events = {}};
}

Dataset relabelled(Dataset const& data, at::Tensor labels, std::vector<std::string> class_names) {
  Dataset const other(data.name(), data.data(), std::move(labels), std::move(class_names), data.sha256());
  return data.tasks().defined() ? other.with_tasks(data.tasks()) : other;
}

void assign_outputs(Stream& stream, std::string const& scenario) {
  stream.classes = 0;
  if (scenario == "domain") {
    for (auto const* task : stream.tasks()) stream.classes = std::max(stream.classes, class_count(task->train));
    return;
  }
  std::vector<std::string> names;
  std::vector<std::int64_t> first;  // output of each task
  for (auto const* task : stream.tasks()) {
    first.push_back(stream.classes);
    auto const count = class_count(task->train);
    auto const& own = task->train.class_names();
    for (std::int64_t c = 0; c < count; ++c) {
      auto const at = static_cast<std::size_t>(c);
      names.push_back(task->name + ": " + (at < own.size() ? own[at] : std::to_string(c)));
    }
    stream.classes += count;
  }
  std::size_t t = 0;
  for (auto& event : stream.events) {
    auto& task = std::get<Task>(event);
    for (auto* data : {&task.train, &task.test}) {
      auto const& labels = data->labels();  // -1: none
      *data = relabelled(*data, at::where(labels.ge(0), labels + first[t], labels), names);
    }
    task.classes = classes_of(task.train);
    ++t;
  }
}

// ----------------------------------------------------------------------------------------------------------- images

bool holds_images(Dataset const& data) { return data.data().dim() == 4 && data.data().scalar_type() == at::kByte; }

at::Tensor padded(at::Tensor const& images, std::int64_t height, std::int64_t width) {
  auto const rows = height - images.size(2), columns = width - images.size(3);
  if (rows == 0 && columns == 0) return images;
  return at::constant_pad_nd(images, {columns / 2, columns - columns / 2, rows / 2, rows - rows / 2});
}

at::Tensor resized(at::Tensor const& images, std::int64_t height, std::int64_t width) {
  if (images.size(2) == height && images.size(3) == width) return images;
  namespace F = torch::nn::functional;
  auto const options = F::InterpolateFuncOptions()
                           .size(std::vector<std::int64_t>{height, width})
                           .mode(torch::kBilinear)
                           .align_corners(false)
                           .antialias(true);
  return in_parts(images, [&](at::Tensor const& part) { return F::interpolate(part, options); });
}

at::Tensor with_channels(at::Tensor const& images, std::int64_t channels) {
  if (images.size(1) == channels) return images;
  if (images.size(1) == 1) return images.expand({-1, channels, -1, -1}).contiguous();
  auto const luma = at::tensor({0.299F, 0.587F, 0.114F}).view({1, 3, 1, 1});
  return in_parts(images, [&](at::Tensor const& part) { return (part * luma).sum(1, true); });
}

std::string plain_name(std::string const& name) {
  return name.starts_with(kInverted) ? name.substr(kInverted.size()) : name;
}

at::Tensor framed(at::Tensor const& images, std::vector<std::int64_t> const& shape, std::string const& fit) {
  auto const coloured = with_channels(images, shape.at(0));
  return fit == "pad" ? padded(coloured, shape.at(1), shape.at(2)) : resized(coloured, shape.at(1), shape.at(2));
}

std::string shape_text(std::vector<std::int64_t> const& shape) {
  auto order = shape;
  if (order.size() == 3) std::rotate(order.begin(), order.begin() + 1, order.end());  // channels last
  return extents_text(order);
}

}  // namespace mneme
