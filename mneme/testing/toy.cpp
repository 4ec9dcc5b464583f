#include "mneme/testing/toy.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/types.h>

#include "mneme/core/seed.hpp"

namespace mneme::toy {

Dataset images(std::string const& name, std::int64_t n, std::uint64_t seed) {
  auto of_set = at::detail::createCPUGenerator(stream_seed(0, name));
  auto of_samples = at::detail::createCPUGenerator(stream_seed(seed, name + "/samples"));
  auto const labels = at::arange(n, at::kLong).remainder(kClasses);
  auto const patterns = at::rand({kClasses, 1, kSide, kSide}, of_set, at::kFloat);
  auto const noise = at::randn({n, 1, kSide, kSide}, of_samples, at::kFloat).mul_(0.15);
  auto const pixels = patterns.index_select(0, labels).add_(noise).mul_(255).round_().clamp_(0, 255).to(at::kByte);
  return {name, pixels, labels, {"a", "b", "c", "d"}};
}

Dataset texts(std::string const& name, std::int64_t n, std::uint64_t seed) {
  auto of_set = at::detail::createCPUGenerator(stream_seed(0, name));
  auto of_samples = at::detail::createCPUGenerator(stream_seed(seed, name + "/samples"));
  auto const labels = at::arange(n, at::kLong).remainder(kClasses);
  auto const liking = at::rand({kClasses, kWords - 1}, of_set, at::kFloat).mul_(6).exp_();
  auto const words = at::multinomial(liking.index_select(0, labels), kLength, true, of_samples).add_(1);
  auto const length = at::randint(2, kLength + 1, {n, 1}, of_samples, at::kLong);
  return {name, words.masked_fill(at::arange(kLength, at::kLong).ge(length), 0), labels, {"a", "b", "c", "d"}};
}

Task task(std::string const& name, std::int64_t id, std::int64_t train, std::int64_t test) {
  return {
      .name = name, .id = id, .train = images(name, train, 0), .test = images(name, test, 1), .classes = {0, 1, 2, 3}};
}

Stream stream(std::int64_t tasks, std::int64_t train) {
  Stream stream{.name = "toy", .scenario = "domain-incremental", .visibility = {}, .classes = kClasses, .events = {}};
  for (std::int64_t t = 0; t < tasks; ++t) stream.events.emplace_back(task("toy-" + std::to_string(t), t, train));
  return stream;
}

Stream text_stream(std::int64_t tasks, std::int64_t train) {
  Stream texts_only = stream(tasks, train);
  for (auto& event : texts_only.events) {
    auto& task = std::get<Task>(event);
    task.train = texts(task.name, train, 0);
    task.test = texts(task.name, task.test.size(), 1);
  }
  return texts_only;
}

Stream split_stream(bool task_at_test, std::int64_t train) {
  Stream stream{.name = "toy-split",
                .scenario = task_at_test ? "task-incremental" : "class-incremental",
                .visibility = {.task_at_test = task_at_test},
                .classes = kClasses,
                .events = {}};
  auto const of_task = [](Dataset const& data, std::int64_t t) {
    return data.select(data.labels().div(2, "floor").eq(t).nonzero().squeeze(1));
  };
  for (std::int64_t t = 0; t < 2; ++t)
    stream.events.emplace_back(Task{.name = "toy-" + std::to_string(t),
                                    .id = t,
                                    .train = of_task(images("toy", 2 * train, 0), t),
                                    .test = of_task(images("toy", 40, 1), t),
                                    .classes = {2 * t, 2 * t + 1}});
  return stream;
}

std::unique_ptr<Learner> learner(std::string const& kind, Json options, std::uint64_t seed) {
  auto const& row = find_row(learner_table(), "learner", kind);
  Shape shape = {1, kSide, kSide};
  if (kind == "classifier" && (!options.contains("net") || options["net"].is_object())) {
    Json const given = options.value("net", Json{{"kind", "mlp"}});
    auto const& net = find_row(net_table(), "net", given.value("kind", "mlp"));
    if (net.tokens) shape = {kLength};
    options["net"] = net.toy;
    options["net"].update(given);
  }
  if (kind != "classifier") {
    Json small = {{"latent", 2}};
    if (kind == "lgaa")
      small["width"] = 0.02;
    else
      small["hidden"] = 8;
    small.update(options);
    options = small;
  }
  RandomStreams streams(seed);
  return row.make({shape, kClasses, at::kCPU}, options, "learner", streams.get("init"));
}

}  // namespace mneme::toy
