// A strategy of your own in one file: after every task the weights are tied to where they are by equal springs.
//
//   L = L_t + (strength/2) ||theta - theta*||^2,   theta* the weights after the last task
//
// Checked: strength 0 is plain training bit for bit, and a positive strength keeps more of the first task.
#include <torch/types.h>

#include <cstdio>

#include "mneme/data/sample.hpp"
#include "mneme/learners/classifier.hpp"
#include "mneme/nets/mlp.hpp"
#include "mneme/train/trainer.hpp"

using namespace mneme;

// [strategy]
class Springs final : public Strategy {
 public:
  explicit Springs(double strength) : strength_(strength) {}

  // It does nothing before the first end_event, so a run without it may branch into it.
  [[nodiscard]] Needs needs() const override { return {.boundaries = true, .prefix = Prefix::kPlain}; }

  void end_event(EventContext& event) override { anchor_ = event.parameters().value().clone(); }

  // A closed form on the flat gradient; no graph is built.
  void add_gradient(StepContext& step) override {
    if (!anchor_.defined() || strength_ == 0) return;
    auto const& arena = step.parameters();
    arena.grad().add_(arena.value() - anchor_, strength_);
  }

  // What the log shows beside the loss.
  Terms terms(StepContext& step) override {
    if (!anchor_.defined()) return {};
    return {{"springs", (step.parameters().value() - anchor_).square().sum() * (strength_ / 2)}};
  }

  // What must survive: nets that grow, and checkpoints.
  void grown(Growth const& growth) override {
    if (anchor_.defined()) anchor_ = growth.carry(anchor_);
  }
  void state(Archive& archive) override { archive.field("anchor", anchor_); }

 private:
  double strength_;
  at::Tensor anchor_;  // [P]
};
// [/strategy]

struct Result {
  std::string hash;
  double first, second;  // accuracy at the end
};

// [run]
Result run(std::unique_ptr<Strategy> strategy) {
  RandomStreams streams(0);
  Classifier learner([](ParameterArena& arena) { return std::make_unique<Mlp>(arena, 784, Shape{128}, 10); }, at::kCPU,
                     &streams.get("init"));
  StrategyList list;
  if (strategy) list.add("springs", std::move(strategy), 0);
  TrainOptions options;
  options.epochs = 3;
  options.batch = 64;
  Trainer trainer(learner, std::move(list), options, {}, 0);
  std::int64_t id = 0;
  for (std::string const name : {"fashion-mnist", "mnist"})
    trainer.learn({.name = name,
                   .id = id++,
                   .train = Dataset::from(name, load_sample(name, "train")),
                   .test = Dataset::from(name, load_sample(name, "test")),
                   .classes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}});
  auto const& last = trainer.matrix().values.back();
  return {trainer.parameter_hash(), last[0].value(), last[1].value()};
}
// [/run]

int main() {
  auto const naive = run(nullptr);
  auto const off = run(std::make_unique<Springs>(0.0));
  auto const on = run(std::make_unique<Springs>(0.01));
  std::printf("fashion-mnist / mnist   naive %.3f / %.3f   springs %.3f / %.3f\n", naive.first, naive.second, on.first,
              on.second);
  bool const same = naive.hash == off.hash;
  bool const keeps = on.first >= naive.first + 0.05;
  std::printf("strength 0 equals naive bit for bit: %s\n", same ? "yes" : "NO");
  std::printf("springs keep at least 5 points more: %s\n", keeps ? "yes" : "NO");
  return same && keeps ? 0 : 1;
}
