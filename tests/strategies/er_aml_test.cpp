// ER-AML: if these fail, new samples push old classes' features away, or teach the classifier after all.
#include "mneme/strategies/er_aml.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

using test::hash_of;
using test::listed;

Json const kErAml = {{"kind", "er-aml"}, {"memory", 12}};

at::Tensor labels(std::vector<std::int64_t> const& values) { return at::tensor(values, at::kLong); }

TEST(ErAml, TheMetricLossByHand) {
  // cos 1 with its own class and 0 with the other, over tau 0.5: s = 2 and 0.
  auto const anchor = at::tensor({5.0F, 0.0F}).view({1, 2});
  auto const candidates = at::tensor({2.0F, 0.0F, 0.0F, 3.0F}).view({2, 2});
  auto const loss = metric_loss(anchor, labels({0}), candidates, labels({0, 1}), 0.5, 0.25);
  EXPECT_NEAR(loss.item<double>(), 2 * std::log(1 + std::exp(-2.0)), 1e-6);
}

/// By loops. As many anchors as candidates: an axis that is taken for another changes the value.
TEST(ErAml, TheMetricLossIsAMeanOverAnchorsOfMeansOverTheirClass) {
  auto const anchors = at::tensor({1.0F, 2.0F, -1.0F, 0.5F, 0.3F, -2.0F}).view({3, 2});
  auto const candidates = at::tensor({0.2F, 1.0F, 1.5F, -1.0F, -0.7F, 0.1F}).view({3, 2});
  std::vector<std::int64_t> const y = {0, 1, 0}, z = {0, 0, 1};
  double expected = 0;
  for (std::int64_t i = 0; i < 3; ++i) {
    std::vector<double> s;
    double sum = 0, over_class = 0, count = 0;
    for (std::int64_t j = 0; j < 3; ++j) {
      auto const a = anchors[i], b = candidates[j];
      s.push_back((a.dot(b) / (a.norm() * b.norm())).item<double>() / 0.1);
      sum += std::exp(s.back());
    }
    for (std::size_t j = 0; j < 3; ++j) {
      if (z[j] != y[static_cast<std::size_t>(i)]) continue;
      over_class += s[j] - std::log(sum);
      count += 1;
    }
    expected -= 0.1 / 0.07 * over_class / count / 3;
  }
  EXPECT_NEAR(metric_loss(anchors, labels(y), candidates, labels(z), 0.1, 0.07).item<double>(), expected, 1e-4);
}

TEST(ErAml, PairsAreOfTheSameAndOfAnotherClass) {
  auto generator = at::detail::createCPUGenerator(1);
  auto const pool = labels({2, 2, 3, 2, 5, /* stored: */ 0, 2, 3, 3});
  bool old_class = false, itself = false, stored = false;
  for (int trial = 0; trial < 200; ++trial)
    for (bool const present : {true, false}) {
      auto const pairs = draw_pairs(pool, 5, present, generator);
      ASSERT_TRUE(at::equal(pairs.anchors, labels({0, 1, 2, 3}))) << "class 5 has no positive";
      for (std::int64_t i = 0; i < 4; ++i) {
        auto const p = pairs.positives[i].item<std::int64_t>(), n = pairs.negatives[i].item<std::int64_t>();
        EXPECT_EQ(pool[p].item<std::int64_t>(), pool[i].item<std::int64_t>());
        EXPECT_NE(pool[n].item<std::int64_t>(), pool[i].item<std::int64_t>());
        itself |= p == i;
        stored |= p >= 5;
        bool const old = pool[n].item<std::int64_t>() == 0;
        EXPECT_FALSE(present && old) << "a class that is not in the new batch is pushed away";
        old_class |= old;
      }
    }
  EXPECT_FALSE(itself) << "a sample is its own positive";
  EXPECT_TRUE(stored);
  EXPECT_TRUE(old_class) << "negatives = all draws from old classes too";
  EXPECT_FALSE(draw_pairs(labels({1, 1, 1}), 3, false, generator).anchors.defined()) << "there is no negative";
}

TEST(ErAml, OnlyStoredSamplesTeachTheClassifier) {
  auto list = listed(kErAml);
  auto& strategy = *list.members()[0].strategy;
  auto probe = std::make_unique<test::Scripted>();
  int steps = 0;
  probe->on_observe = [&](StepContext& c) {
    if (c.first()) return;
    ++steps;
    ASSERT_GE(c.batch.size(), 16);
    auto const p = c.output->logits.detach().narrow(0, 8, 8).to(at::kDouble).exp();
    auto const y = c.batch.y().narrow(0, 8, 8).unsqueeze(1);
    auto const softmax = p / p.sum(1, true);
    auto const terms = strategy.terms(c);
    EXPECT_NEAR(terms.at("memory").item<double>(), -softmax.gather(1, y).log().mean().item<double>(), 1e-4);
    EXPECT_TRUE(terms.contains("current"));
    auto const expected = softmax.scatter_add(1, y, at::full({8, 1}, -1.0, at::kDouble)).mean(0);
    auto const& bias = c.parameters().segments()[static_cast<std::size_t>(c.parameters().find("head.bias"))];
    auto const gradient = c.parameters().grad().narrow(0, bias.offset, bias.size).to(at::kDouble);
    EXPECT_TRUE(at::allclose(gradient, expected, 1e-4, 1e-6)) << "new samples or candidates reach the classifier";
    auto const& hidden = c.parameters().segments()[static_cast<std::size_t>(c.parameters().find("fc1.weight"))];
    EXPECT_GT(c.parameters().grad().narrow(0, hidden.offset, hidden.size).norm().item<double>(), 0);
  };
  list.add("probe", std::move(probe), 0);
  test::Rig rig(std::move(list));
  rig.trainer.run(toy::stream(2));
  EXPECT_EQ(steps, 10);
}

/// Features and labels of the step's candidates by the batch itself: positives and negatives in any order.
TEST(ErAml, CandidatesAreNewSamplesAndStoredOnesBehindTheBatch) {
  auto list = listed(kErAml);
  auto const& buffer = dynamic_cast<ErAml const&>(*list.members()[0].strategy).buffer();
  auto probe = std::make_unique<test::Scripted>();
  bool some_stored = false;
  probe->on_compose = [&](Batch batch, StepContext& c) {
    EXPECT_LE(batch.size(), 8 + 8 + 2 * 8);
    if (c.first()) {
      EXPECT_EQ(batch.size(), 8);
      return batch;
    }
    some_stored |= batch.size() > 16;
    auto const stored = Dataset::to_input(buffer.all().data);
    for (std::int64_t i = 8; i < batch.size(); ++i) {
      auto const place = stored.eq(batch.x[i]).flatten(1).all(1).nonzero();
      EXPECT_GT(place.size(0), 0) << "row " << i << " is not stored";
      if (place.size(0) > 0) {
        EXPECT_TRUE(buffer.all().labels.index_select(0, place.squeeze(1)).eq(batch.y()[i]).any().item<bool>());
      }
    }
    return batch;
  };
  list.add("probe", std::move(probe), 0);
  test::Rig rig(std::move(list));
  rig.trainer.run(toy::stream(2));
  EXPECT_TRUE(some_stored);
}

TEST(ErAml, WithoutMemoryIsNaive) {
  EXPECT_EQ(hash_of(listed({{"kind", "er-aml"}, {"memory", 0}})), hash_of({}));
  EXPECT_NE(hash_of(listed(kErAml)), hash_of({}));
}

}  // namespace
}  // namespace mneme
