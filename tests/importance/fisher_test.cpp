// Diagonal Fisher information: if these fail, EWC protects the wrong weights.
#include "mneme/importance/fisher.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/autograd.h>
#include <torch/types.h>

#include <cmath>

#include "mneme/core/errors.hpp"
#include "mneme/learners/classifier.hpp"
#include "mneme/nets/mlp.hpp"
#include "mneme/testing/toy.hpp"
#include "tests/core/message_of.hpp"
#include "tests/nets/oracle.hpp"

namespace mneme {
namespace {

at::Generator seeded(std::uint64_t seed) { return at::detail::createCPUGenerator(seed); }

struct Estimate {
  at::Tensor fisher;
  std::vector<std::string> notes;
};

Estimate estimate(Learner& learner, Dataset const& data, FisherOptions const& options,
                  std::function<at::Tensor(Batch const&, Output const&)> loss = {}) {
  auto choice = seeded(11), noise = seeded(12);
  Estimate result;
  result.fisher = diagonal_fisher({.learner = learner,
                                   .data = data,
                                   .options = options,
                                   .choice = choice,
                                   .noise = noise,
                                   .note = [&](std::string const& text) { result.notes.push_back(text); },
                                   .per_sample_loss = std::move(loss),
                                   .poll = {}});
  return result;
}

/// Two classes, two inputs, no hidden layer: W [2, 2], b [2], all zero unless set.
std::unique_ptr<Classifier> linear_model() {
  return std::make_unique<Classifier>([](ParameterArena& arena) { return std::make_unique<Mlp>(arena, 2, Shape{}, 2); },
                                      at::kCPU, nullptr);
}

TEST(Fisher, OnALinearModelEqualsTheHandComputedOne) {
  auto const learner = linear_model();
  Dataset const data("two", at::tensor({1.0F, 2.0F, 3.0F, 0.0F}).view({2, 2}), at::tensor({0, 1}, at::kLong), {});
  // p = 1/2 for both classes: d log p(c)/d logits = +-1/2 whatever c is, so all labels, drawn and true ones agree.
  // F_W = mean over samples of x^2 / 4 = ([1, 4] + [9, 0]) / 8, F_b = 1/4.
  auto const expected = at::tensor({1.25, 0.5, 1.25, 0.5, 0.25, 0.25}, at::kDouble);
  for (auto const* labels : {"all", "sampled", "empirical"})
    EXPECT_LT(relative_error(estimate(*learner, data, {.labels = labels}).fisher, expected), 1e-6) << labels;
  // One batch: the mean gradient is ((p - e_0) x_0 + (p - e_1) x_1) / 2 = ([-1, -2] + [3, 0]) / 4 in row 0; b cancels.
  auto const batch = at::tensor({0.25, 0.25, 0.25, 0.25, 0.0, 0.0}, at::kDouble);
  EXPECT_LT(relative_error(estimate(*learner, data, {.labels = "batch"}).fisher, batch), 1e-6);
  // Batches of one, never zeroed: g_0 = [-1, -2]/2 and g_0 + g_1 = [-1 + 3, -2]/2, squared and averaged.
  auto const accumulating = at::tensor({0.625, 1.0, 0.625, 1.0, 0.125, 0.125}, at::kDouble);
  EXPECT_LT(relative_error(estimate(*learner, data, {.labels = "accumulating", .batch = 1}).fisher, accumulating),
            1e-6);
}

TEST(Fisher, OverAllLabelsWeighsThemByTheirProbability) {
  auto const learner = linear_model();
  learner->parameters().value(1).copy_(at::tensor({std::log(4.0F), 0.0F}));  // p = (0.8, 0.2)
  Dataset const data("one", at::ones({1, 2}), at::tensor({1}, at::kLong), {});
  // 0.8 * 0.2^2 + 0.2 * 0.8^2 = 0.16; with the true label 1 alone 0.8^2 = 0.64.
  auto const all = estimate(*learner, data, {.labels = "all"}).fisher;
  EXPECT_LT(relative_error(all, at::full({6}, 0.16, at::kDouble)), 1e-5);
  auto const empirical = estimate(*learner, data, {.labels = "empirical"}).fisher;
  EXPECT_LT(relative_error(empirical, at::full({6}, 0.64, at::kDouble)), 1e-5);
}

// ------------------------------------------------------------------------------------- float64, one sample at a time

/// What the estimators are by definition, from a float64 oracle with batch 1. `drawn`: the labels that sampling drew.
at::Tensor loop(Oracle const& o, Dataset const& data, at::Tensor const& index, std::string const& labels,
                std::int64_t batch, at::Tensor const& drawn) {
  auto const x = data.gather(index), y = data.labels().index_select(0, index);
  auto const n = index.size(0);
  auto total = at::zeros_like(o.gradient(o.logits(x.narrow(0, 0, 1)).sum()));
  if (labels.starts_with("batch") || labels == "accumulating") {
    auto running = at::zeros_like(total);
    std::int64_t batches = 0;
    for (std::int64_t first = 0; first < n; first += batch, ++batches) {
      auto const count = std::min(batch, n - first);
      auto const logits = o.logits(x.narrow(0, first, count));
      auto const label = labels == "batch-predicted" ? logits.argmax(1) : y.narrow(0, first, count);
      auto const loss = at::cross_entropy_loss(logits, label);
      running = (labels == "accumulating" ? running : at::zeros_like(total)) + o.gradient(loss);
      total += running.square();
    }
    return total / batches;
  }
  for (std::int64_t i = 0; i < n; ++i) {
    auto const log_p = at::log_softmax(o.logits(x.narrow(0, i, 1)), 1)[0];
    auto const add = [&](std::int64_t c, double weight) { total += o.gradient(log_p[c]).square() * weight; };
    if (labels == "all")
      for (std::int64_t c = 0; c < log_p.size(0); ++c) add(c, log_p[c].exp().item<double>());
    else if (labels == "weighted")
      add(y[i].item<std::int64_t>(), log_p[y[i]].exp().item<double>());
    else
      add((labels == "empirical" ? y[i] : drawn[i]).item<std::int64_t>(), 1);
  }
  return total / n;
}

/// The labels that the estimator draws: the same calls on a generator in the same state.
at::Tensor draw_labels(Learner& learner, Dataset const& data, at::Tensor const& index, std::int64_t batch,
                       at::Generator& choice) {
  at::NoGradGuard const no_grad;
  auto noise = seeded(0);
  std::vector<at::Tensor> drawn;
  for (auto const& part : index.split(batch)) {
    Batch const b(data.gather(part), data.labels().index_select(0, part));
    drawn.push_back(at::multinomial(at::softmax(learner.forward(b, {}, noise).logits, 1), 1, true, choice).squeeze(1));
  }
  return at::cat(drawn);
}

Json const kMlp = {{"net", {{"kind", "mlp"}, {"hidden", {7, 5}}}}};
Json const kCosine = {{"net", {{"kind", "mlp"}, {"hidden", {7, 5}}, {"output", "cosine"}}}};
Json const kCnn = {{"net", {{"kind", "cnn"}, {"channels1", 2}, {"channels2", 3}, {"hidden", 5}}}};

TEST(Fisher, OfEveryKindEqualsAFloat64LoopWithBatchOne) {
  auto const data = toy::images("toy-0", 30);
  for (auto const& net : {kMlp, kCosine, kCnn})
    for (std::string const labels :
         {"sampled", "all", "empirical", "weighted", "batch", "batch-predicted", "accumulating"}) {
      auto const learner = toy::learner("classifier", net);
      FisherOptions const options{.labels = labels, .samples = 0, .batch = 8};  // the last batch is short
      auto const found = estimate(*learner, data, options);
      auto choice = seeded(11);
      auto const index = at::arange(data.size(), at::kLong);
      auto const drawn = draw_labels(*learner, data, index, options.batch, choice);
      auto const expected = loop(Oracle(learner->parameters()), data, index, labels, options.batch, drawn);
      EXPECT_LT(relative_error(found.fisher, expected), 1e-4) << labels << " " << net;
      EXPECT_TRUE(found.notes.empty()) << "the fast path was not taken";
    }
}

// Wrong: a mask that ends at the last class that any task has named yet ends the run.
TEST(Fisher, OutputsThatNoTaskNamedYetTakeNoPart) {
  auto const learner = toy::learner("classifier");
  auto const data = toy::images("toy-0", 20);
  auto const with = [&](std::vector<int> const& active) {
    auto choice = seeded(11), noise = seeded(12);
    return diagonal_fisher({.learner = *learner,
                            .data = data,
                            .options = {.labels = "all"},
                            .choice = choice,
                            .noise = noise,
                            .activate = [&](Batch& batch) { batch.active = at::tensor(active).to(at::kBool); }});
  };
  EXPECT_TRUE(at::equal(with({1, 1}), with({1, 1, 0, 0})));
  EXPECT_FALSE(at::equal(with({1, 1}), with({1, 1, 1, 1})));
}

TEST(Fisher, OfAPartUsesRandomSamplesAndDividesByTheirNumber) {
  auto const data = toy::images("toy-0", 30);
  auto const learner = toy::learner("classifier", kMlp);
  auto const found = estimate(*learner, data, {.labels = "empirical", .samples = 10, .batch = 4});
  auto choice = seeded(11);
  auto const index = at::randperm(30, choice, at::kLong).narrow(0, 0, 10);
  auto const expected = loop(Oracle(learner->parameters()), data, index, "empirical", 4, {});
  EXPECT_LT(relative_error(found.fisher, expected), 1e-4);
}

TEST(Fisher, DoesNotDependOnTheBatchWhereItIsAMeanOverSamples) {
  auto const data = toy::images("toy-0", 30);
  auto const learner = toy::learner("classifier", kCnn);
  for (auto const* labels : {"all", "empirical"}) {
    auto const one = estimate(*learner, data, {.labels = labels, .batch = 1}).fisher;
    auto const all = estimate(*learner, data, {.labels = labels, .batch = 30}).fisher;
    EXPECT_LT(relative_error(one, all), 1e-4) << labels;
  }
}

TEST(Fisher, OfAVaeEqualsAFloat64LoopWithTheSameNoise) {
  auto const data = toy::images("toy-0", 20);
  auto const learner = toy::learner("vae");
  auto const found = estimate(*learner, data, {.labels = "sampled", .batch = 20}).fisher;
  auto noise = seeded(12);
  auto const epsilon = at::empty({20, 2}).normal_(0, 1, noise).to(at::kDouble);
  Oracle const o(learner->parameters());
  auto expected = at::zeros({learner->parameters().size()}, at::kDouble);
  for (std::int64_t i = 0; i < 20; ++i) {
    auto const x = data.slice(i, 1).flatten(1).to(at::kDouble);
    auto const h = o.linear("encoder.fc1", x).relu();
    auto const mu = o.linear("encoder.mu", h), logvar = o.linear("encoder.logvar", h);
    auto const z = mu + (logvar / 2).exp() * epsilon.narrow(0, i, 1);
    auto const logits = o.linear("decoder.pixels", o.linear("decoder.fc1", z).relu());
    auto const loss = at::binary_cross_entropy_with_logits(logits, x, {}, {}, at::Reduction::Sum) -
                      0.5 * (1 + logvar - mu.square() - logvar.exp()).sum();
    expected += o.gradient(loss).square() / 20;
  }
  EXPECT_LT(relative_error(found, expected), 1e-4);
}

TEST(Fisher, TakesAnyPerSampleLoss) {
  auto const data = toy::images("toy-0", 12);
  auto const learner = toy::learner("classifier", kMlp);
  auto const norm = [](Batch const&, Output const& output) { return output.logits.square().sum(1); };
  auto const found = estimate(*learner, data, {.labels = "sampled", .batch = 5}, norm).fisher;
  Oracle const o(learner->parameters());
  auto expected = at::zeros({learner->parameters().size()}, at::kDouble);
  for (std::int64_t i = 0; i < 12; ++i) expected += o.gradient(o.logits(data.slice(i, 1)).square().sum()).square() / 12;
  EXPECT_LT(relative_error(found, expected), 1e-4);
}

// ------------------------------------------------------------------------------------------------- nets off the path

/// logits = head(act(square(act(square(x))))): the hidden layer is used twice; or a convolution is.
class TwiceNet final : public Net {
 public:
  TwiceNet(ParameterArena& arena, bool convolution)
      : convolution_(convolution),
        conv_(arena, "conv", 1, 1, 3, 1, 1, Activation::kRelu),
        square_(arena, "square", 36, 36, Activation::kRelu),
        head_(arena, "head", 36, 4) {}
  Output forward(at::Tensor const& x, ForwardContext const&) override {
    auto h = conv_.forward(x);
    if (convolution_) h = conv_.forward(h);
    h = square_.forward(h.flatten(1));
    if (!convolution_) h = square_.forward(h);
    return {.logits = head_.forward(h), .features = h, .more = {}};
  }
  void initialise(at::Generator& g) override {
    conv_.initialise(g);
    square_.initialise(g);
    head_.initialise(g);
  }

 private:
  bool convolution_;
  Conv2d conv_;
  Linear square_, head_;
};

/// Linear softmax regression over a leaf, in plain torch operations.
class LeafNet final : public Net {
 public:
  explicit LeafNet(ParameterArena& arena) : arena_(arena), weight_(arena.add("w", {4, 36})) {}
  Output forward(at::Tensor const& x, ForwardContext const&) override {
    auto const logits = at::linear(x.flatten(1), arena_.leaf(weight_));
    return {.logits = logits, .features = x, .more = {}};
  }
  void initialise(at::Generator& g) override {
    at::NoGradGuard const no_grad;
    arena_.value(weight_).normal_(0, 0.3, g);
  }

 private:
  ParameterArena& arena_;
  int weight_;
};

using MakeNet = Classifier::MakeNet;

TEST(Fisher, FallsBackToOneSampleAtATimeWithTheSameNumbers) {
  auto const data = toy::images("toy-0", 12);
  std::vector<std::pair<std::string, MakeNet>> const nets = {
      {"leaf", [](ParameterArena& a) { return std::make_unique<LeafNet>(a); }},
      {"linear layer used twice", [](ParameterArena& a) { return std::make_unique<TwiceNet>(a, false); }},
      {"convolution used twice", [](ParameterArena& a) { return std::make_unique<TwiceNet>(a, true); }}};
  for (auto const& [name, make] : nets)
    for (std::string const labels : {"sampled", "all", "empirical", "weighted"}) {
      SCOPED_TRACE(name + ", " + labels);
      auto init = seeded(1);
      Classifier learner(make, at::kCPU, &init);
      auto const found = estimate(learner, data, {.labels = labels, .batch = 5});
      ASSERT_EQ(found.notes.size(), 1U) << "a fallback is said once";

      Oracle const o(learner.parameters());
      auto const logits = [&](at::Tensor const& x) {
        auto const conv = [&](at::Tensor const& h) {
          return at::conv2d(h, o.named.at("conv.weight"), o.named.at("conv.bias"), 1, 1).relu();
        };
        if (name == "leaf") return at::linear(x.flatten(1), o.named.at("w"));
        bool const convolution = name.starts_with("convolution");
        auto h = convolution ? conv(conv(x)) : conv(x);
        h = o.linear("square", h.flatten(1)).relu();
        return o.linear("head", convolution ? h : o.linear("square", h).relu());
      };
      auto choice = seeded(11);
      auto const drawn = draw_labels(learner, data, at::arange(12, at::kLong), 5, choice);
      auto expected = at::zeros({learner.parameters().size()}, at::kDouble);
      for (std::int64_t i = 0; i < 12; ++i) {
        auto const log_p = at::log_softmax(logits(data.slice(i, 1).to(at::kDouble)), 1)[0];
        auto const label = labels == "sampled" ? drawn[i] : data.labels()[i];
        for (std::int64_t c = 0; c < 4; ++c) {
          double const own = c == label.item<std::int64_t>() ? 1 : 0;
          double const p = log_p[c].exp().item<double>();
          double const weight = labels == "all" ? p : labels == "weighted" ? own * p : own;
          if (weight > 0) expected += o.gradient(log_p[c]).square() * (weight / 12);
        }
      }
      EXPECT_LT(relative_error(found.fisher, expected), 1e-4);
    }
}

TEST(Fisher, LeavesParametersAndGradientAsTheyWere) {
  auto const data = toy::images("toy-0", 12);
  for (std::string const labels : {"sampled", "all", "empirical", "batch", "accumulating"}) {
    auto const learner = toy::learner("classifier", kCnn);
    auto& arena = learner->parameters();
    arena.grad().fill_(0.5);
    auto const value = arena.value().clone();
    static_cast<void>(estimate(*learner, data, {.labels = labels}));
    EXPECT_TRUE(at::equal(arena.value(), value)) << labels;
    EXPECT_TRUE(at::equal(arena.grad(), at::full_like(arena.grad(), 0.5))) << labels;
  }
}

TEST(Fisher, TakesAllSamplesWhereMoreAreAskedForThanThereAre) {
  auto const learner = toy::learner();
  auto const data = toy::images("toy-0", 12);
  auto const all = estimate(*learner, data, {.labels = "empirical", .samples = 0}).fisher;
  EXPECT_TRUE(at::equal(estimate(*learner, data, {.labels = "empirical", .samples = 13}).fisher, all));
}

TEST(Fisher, SaysThatTheModelHasDiverged) {
  auto const learner = toy::learner();
  learner->parameters().value().fill_(std::nanf(""));
  EXPECT_THROW(static_cast<void>(estimate(*learner, toy::images("toy-0", 12), {.labels = "empirical"})), NumericError);
}

TEST(Fisher, SummaryHasTraceQuantilesAndZeros) {
  auto const summary = summarise(at::tensor({0.0F, 4.0F, 1.0F, 0.0F, 3.0F}));
  EXPECT_EQ(summary.trace, 8);
  EXPECT_EQ(summary.zero_share, 0.4);
  EXPECT_EQ(summary.quantiles.front(), (std::pair<double, double>{0.5, 1}));
  EXPECT_EQ(summary.quantiles.back(), (std::pair<double, double>{1, 4}));
}

}  // namespace
}  // namespace mneme
