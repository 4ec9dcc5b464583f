// Dark experience replay as a user writes it: one class from public headers, put into a list, run on class-incremental
// split MNIST (embedded sample). docs/your-own-strategy.md reads it line by line.
//
// Checked: alpha 0 is plain training bit for bit; with replay more is kept; the conformance checks find no fault.
#include <torch/types.h>

#include <cstdio>
#include <filesystem>

#include "mneme/data/sample.hpp"
#include "mneme/learners/classifier.hpp"
#include "mneme/nets/mlp.hpp"
#include "mneme/strategies/replay.hpp"
#include "mneme/stream/makers.hpp"
#include "mneme/testing/conformance.hpp"
#include "mneme/train/trainer.hpp"

using namespace mneme;

// [strategy]
class MyDer final : public Strategy {
 public:
  MyDer(double alpha, std::int64_t memory) : alpha_(alpha), buffer_({.memory = memory}) {}

  [[nodiscard]] Needs needs() const override { return {.learners = {"classifier"}, .prefix = Prefix::kWatches}; }

  // L = CE + alpha mean of (f(x') - z')^2 over stored samples x' and the logits z' that they were stored with.
  std::optional<at::Tensor> penalty(StepContext& step) override {
    if (step.first() || buffer_.empty() || alpha_ == 0) return std::nullopt;
    auto const stored = buffer_.sample(step.rows.size(0), step.streams->get("replay"));
    auto const output = forward_beside(replayed(stored, step), /*training=*/true, step);
    return alpha_ * at::mse_loss(output.logits, stored.extras.at("logits"));
  }

  void after_step(StepContext& step) override {
    auto rows = current_rows(step);  // the samples of this step, as they are stored in the data set
    rows.extras.emplace("logits", step.output->logits.detach().narrow(0, 0, rows.size()));
    buffer_.offer(rows, step.streams->get("reservoir"));
  }

  void state(Archive& archive) override { buffer_.state(archive); }

 private:
  double alpha_;
  Buffer buffer_;
};
// [/strategy]

struct Result {
  std::string hash;
  double first, average;  // accuracy at the end: of the first task, of all
};

// [run]
Result run(std::unique_ptr<Strategy> strategy) {
  RandomStreams streams(0);
  auto const source = [](std::string const& name, std::string const& split) {
    return Dataset::from(name, load_sample(name, split));
  };
  auto const stream = make_stream({{"kind", "split"}, {"dataset", "mnist"}, {"tasks", 5}, {"scenario", "class"}},
                                  "stream", source, /*seed=*/0);
  Classifier learner(
      [](ParameterArena& arena) {
        return std::make_unique<Mlp>(arena, 784, Shape{100, 100}, 10);
      },
      at::kCPU, &streams.get("init"));
  TrainOptions options;
  options.steps = 150;
  options.batch = 32;
  StrategyList list;
  if (strategy) list.add("my-der", std::move(strategy), /*seed=*/0);
  list.check(learner, stream.visibility);  // says by name and reason what does not go together
  Trainer trainer(learner, std::move(list), options, {}, /*seed=*/0);
  trainer.run(stream);
  auto const& matrix = trainer.matrix();
  return {trainer.parameter_hash(), matrix.values.back().front().value(), average(matrix).value()};
}
// [/run]

// [check]
std::vector<std::string> faults() {
  auto recipe = RunRecipe::toy();
  recipe.strategies = [](std::uint64_t seed) {
    return StrategyList("my-der", std::make_unique<MyDer>(/*alpha=*/0.5, /*memory=*/12), seed);
  };
  std::filesystem::path const scratch = "scratch";
  std::filesystem::remove_all(scratch);
  std::filesystem::create_directory(scratch);
  return check_conformance(recipe, scratch);
}
// [/check]

int main() {
  auto const naive = run(nullptr);
  auto const off = run(std::make_unique<MyDer>(0.0, 500));
  auto const on = run(std::make_unique<MyDer>(1.0, 500));
  std::printf("== result\nfirst task / average   naive %.3f / %.3f   my-der %.3f / %.3f\n", naive.first, naive.average,
              on.first, on.average);
  bool const same = naive.hash == off.hash;
  bool const keeps = on.average >= naive.average + 0.1;
  std::printf("alpha 0 equals naive bit for bit: %s\n", same ? "yes" : "NO");
  std::printf("at least 10 points more on average: %s\n", keeps ? "yes" : "NO");
  auto const found = faults();
  for (auto const& fault : found) std::printf("fault: %s\n", fault.c_str());
  std::printf("faults found by the conformance checks: %zu\n", found.size());
  return same && keeps && found.empty() ? 0 : 1;
}
