// EWC as a building block, outside Mneme's trainer: your torch module, your loss, your tensors, your optimizer.
//
// A small regression net learns sin(3x) on the left half of [-2, 2], then on the right half. Its Fisher information is
// that of a Gaussian model, y ~ N(f(x), 1): targets are drawn from the model, so the per-sample loss is ours too.
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
  [[nodiscard]] std::span<Figure const> figures() const override { return {}; }
  at::Tensor measure(Batch const&, Output const&) override { return {}; }
  [[nodiscard]] std::unique_ptr<Learner> snapshot() const override { throw Error("this learner is not copied"); }

 private:
  torch::nn::Sequential module_;
};
// [/learner]

struct Errors {
  double left, right;
};

Errors run(double lambda) {
  torch::manual_seed(0);
  torch::nn::Sequential net(torch::nn::Linear(1, 100), torch::nn::Tanh(), torch::nn::Linear(100, 100),
                            torch::nn::Tanh(), torch::nn::Linear(100, 1));
  YourLearner learner(net);
  auto& arena = learner.parameters();
  auto const target = [](at::Tensor const& x) { return (3 * x).sin(); };
  auto const left = at::linspace(-2, 0, 200).unsqueeze(1), right = at::linspace(0, 2, 200).unsqueeze(1);

  // [loop]
  MergedQuadratic quadratic;
  for (auto const& x : {left, right}) {
    torch::optim::Adam optimizer(net->parameters(), torch::optim::AdamOptions(1e-3));
    for (int step = 0; step < 1500; ++step) {
      arena.begin_gradient();  // in place of optimizer.zero_grad()
      at::mse_loss(net->forward(x), target(x)).backward();
      if (!quadratic.empty()) quadratic.add_gradient(arena.value(), lambda, arena.grad());
      optimizer.step();
    }
    RandomStreams streams(0);
    Dataset const data("half", x, at::zeros({x.size(0)}, at::kLong), {});
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
  return {error(left), error(right)};
}

int main() {
  auto const naive = run(0), ewc = run(1);
  std::printf("mean squared error, left (learnt first) / right: naive %.4f / %.4f, EWC %.4f / %.4f\n", naive.left,
              naive.right, ewc.left, ewc.right);
  bool const keeps = ewc.left < 0.5 * naive.left, learns = ewc.right < 0.1;
  std::printf("EWC at least halves the error on the left: %s\n", keeps ? "yes" : "NO");
  std::printf("and learns the right: %s\n", learns ? "yes" : "NO");
  return keeps && learns ? 0 : 1;
}
