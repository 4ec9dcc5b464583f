// A net of your own from Mneme's layers: an MLP with a residual connection, in a classifier.
//
// Checked: its size, that the Fisher information takes the fast path (one pass a batch, no note of a fallback), and
// that it learns the embedded MNIST sample.
#include <torch/types.h>

#include <cstdio>

#include "mneme/data/sample.hpp"
#include "mneme/importance/fisher.hpp"
#include "mneme/learners/classifier.hpp"
#include "mneme/nets/layers.hpp"
#include "mneme/train/trainer.hpp"

using namespace mneme;

// [net]
class ResidualMlp final : public Net {
 public:
  ResidualMlp(ParameterArena& arena, std::int64_t inputs, std::int64_t width, std::int64_t outputs)
      : in_(arena, "in", inputs, width, Activation::kRelu),
        block_(arena, "block", width, width, Activation::kRelu),
        head_(arena, "head", width, outputs) {}

  Output forward(at::Tensor const& x, ForwardContext const&) override {
    auto const hidden = in_.forward(x.flatten(1));
    auto const features = hidden + block_.forward(hidden);
    return {.logits = head_.forward(features), .features = features, .more = {}};
  }

  void initialise(at::Generator& generator) override {
    for (auto const* layer : {&in_, &block_, &head_}) layer->initialise(generator);
  }

 private:
  Linear in_, block_, head_;  // a graph points at its layers: a net is neither copied nor moved
};
// [/net]

int main() {
  // [use]
  RandomStreams streams(0);
  Classifier learner([](ParameterArena& arena) { return std::make_unique<ResidualMlp>(arena, 784, 100, 10); }, at::kCPU,
                     &streams.get("init"));
  Task const mnist{.name = "mnist",
                   .id = 0,
                   .train = Dataset::from("mnist", load_sample("mnist", "train")),
                   .test = Dataset::from("mnist", load_sample("mnist", "test")),
                   .classes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}};
  TrainOptions options;
  options.epochs = 4;
  options.batch = 64;
  Trainer trainer(learner, {}, options, {}, 0);
  trainer.learn(mnist);
  // [/use]
  double const accuracy = trainer.matrix().values.back()[0].value();

  bool fast = true;
  auto const fisher = diagonal_fisher({.learner = learner,
                                       .data = mnist.train,
                                       .options = {.labels = "all", .samples = 500},
                                       .choice = streams.get("choice"),
                                       .noise = streams.get("noise"),
                                       .note = [&](std::string const&) { fast = false; }});
  std::int64_t const expected = 784 * 100 + 100 + 100 * 100 + 100 + 100 * 10 + 10;
  bool const size = learner.parameters().size() == expected && fisher.size(0) == expected;
  std::printf("parameters: %ld, as counted by hand: %s\n", static_cast<long>(fisher.size(0)), size ? "yes" : "NO");
  std::printf("Fisher information on the fast path: %s, trace %.2f\n", fast ? "yes" : "NO", summarise(fisher).trace);
  std::printf("accuracy %.3f, at least 0.85: %s\n", accuracy, accuracy >= 0.85 ? "yes" : "NO");
  return size && fast && accuracy >= 0.85 ? 0 : 1;
}
