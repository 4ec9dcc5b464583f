// EWC as a building block, outside Mneme's trainer: your torch module, your loss, your tensors, your optimizer.
//
// A regression net with twenty inputs learns a task in which only the first ten speak, then one with the other ten. Its
// Fisher information is that of a Gaussian model y ~ N(f(x), 1): targets drawn from it, so the per-sample loss is ours.
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/adam.h>

#include <cstdio>

#include "mneme/core/errors.hpp"
#include "mneme/importance/fisher.hpp"
#include "mneme/strategies/ewc.hpp"

using namespace mneme;

// [learner]
/// What Mneme needs to know about your module: how to run it and the loss of each sample.
class YourLearner final : public Learner {
 public:
  explicit YourLearner(torch::nn::Sequential module) : Learner(at::kCPU), module_(std::move(module)) {
    parameters().adopt_module("", *module_);  // from here on its parameters are views of the arena
    parameters().allocate();
  }
  [[nodiscard]] std::string kind() const override { return "regression"; }
  Output forward(Batch const& batch, ForwardContext const&, at::Generator&) override {
    return {.logits = module_->forward(batch.x), .features = {}, .more = {}};
  }
  at::Tensor per_sample_loss(Batch const&, Output const& output) override {
    auto const drawn = output.logits.detach() + at::randn_like(output.logits);
    return 0.5 * (output.logits - drawn).square().sum(1);
  }
  [[nodiscard]] std::span<Metric const> metrics() const override { return {}; }
  at::Tensor measure(Batch const&, Output const&) override { return {}; }
  [[nodiscard]] std::unique_ptr<Learner> snapshot() const override { throw Error("this learner is not copied"); }

 private:
  torch::nn::Sequential module_;
};
// [/learner]

struct Errors {
  double first, second;  // mean squared, at the end
};

Errors run(double lambda) {
  torch::manual_seed(0);
  torch::nn::Sequential net(torch::nn::Linear(20, 100), torch::nn::Tanh(), torch::nn::Linear(100, 1));
  YourLearner learner(net);
  auto& arena = learner.parameters();
  auto const ten_inputs_from = [](std::int64_t first) {
    auto x = at::zeros({500, 20});
    x.narrow(1, first, 10).normal_();
    return x;
  };
  auto const target = [](at::Tensor const& x) { return x.sum(1, true).sin(); };
  auto const first = ten_inputs_from(0), second = ten_inputs_from(10);

  // [loop]
  MergedQuadratic quadratic;
  for (auto const& x : {first, second}) {
    torch::optim::Adam optimizer(net->parameters(), torch::optim::AdamOptions(1e-3));
    for (int step = 0; step < 1000; ++step) {
      arena.begin_gradient();  // in place of optimizer.zero_grad()
      at::mse_loss(net->forward(x), target(x)).backward();
      if (!quadratic.empty()) quadratic.add_gradient(arena.value(), lambda, arena.grad());
      optimizer.step();
    }
    RandomStreams streams(0);
    Dataset const data("inputs", x, at::zeros({x.size(0)}, at::kLong), {});
    auto const fisher = diagonal_fisher({.learner = learner,
                                         .data = data,
                                         .options = {.labels = "empirical"},
                                         .choice = streams.get("choice"),
                                         .noise = streams.get("noise")});
    quadratic.add(fisher, arena.value());
  }
  // [/loop]
  at::NoGradGuard const no_grad;
  auto const error = [&](at::Tensor const& x) { return at::mse_loss(net->forward(x), target(x)).item<double>(); };
  return {error(first), error(second)};
}

int main() {
  auto const naive = run(0), ewc = run(1);
  std::printf("mean squared error of the task learnt first: naive %.3f, EWC %.3f\n", naive.first, ewc.first);
  std::printf("mean squared error of the task learnt last: naive %.3f, EWC %.3f\n", naive.second, ewc.second);
  bool const keeps = ewc.first < 0.2 * naive.first, learns = ewc.second < 0.2;
  std::printf("EWC keeps the first: %s, and learns the second: %s\n", keeps ? "yes" : "NO", learns ? "yes" : "NO");
  return keeps && learns ? 0 : 1;
}
