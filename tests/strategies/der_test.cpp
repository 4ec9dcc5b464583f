// Dark experience replay: if these fail, the network is held to other logits than those it gave, or with another force.
#include "mneme/strategies/der.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <string>

#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

using test::hash_of;
using test::listed;

/// One stored sample, so that every draw is of it.
Json one_sample(std::string const& kind, double alpha, double beta) {
  Json config = {{"kind", kind}, {"memory", 1}, {"batch", 5}, {"alpha", alpha}};
  if (kind == "der++") config["beta"] = beta;
  return config;
}

Der const& der_of(StrategyList& list) { return dynamic_cast<Der const&>(*list.members()[0].strategy); }

/// Logits of stored samples under the present weights.
at::Tensor logits_of(Learner& learner, Rows const& rows) {
  at::NoGradGuard const no_grad;
  auto noise = at::detail::createCPUGenerator(0);
  return learner.forward(Batch(Dataset::to_input(rows.data), rows.labels), {}, noise).logits;
}

/// Runs two tasks; `at_gradient` sees the term of every step of the second, before its update, and the stored rows.
void watch(Json const& config, std::function<void(StepContext&, Terms const&, Rows const&)> const& at_gradient) {
  auto list = listed(config);
  auto& der = const_cast<Der&>(der_of(list));
  auto probe = std::make_unique<test::Scripted>();
  int steps = 0;
  probe->on_observe = [&](StepContext& c) {
    if (c.first()) return;
    ++steps;
    at_gradient(c, der.terms(c), der.buffer().all());
  };
  list.add("probe", std::move(probe), 0);
  test::Rig rig(std::move(list));
  rig.trainer.run(toy::stream(2));
  EXPECT_EQ(steps, 10);
}

TEST(Der, TheTermIsAlphaTimesTheMeanOverSamplesAndOutputs) {
  watch(one_sample("der", 0.25, 0), [](StepContext& c, Terms const& terms, Rows const& rows) {
    auto const now = logits_of(c.learner, rows)[0], then = rows.extras.at("logits")[0];
    double sum = 0;
    for (std::int64_t k = 0; k < 4; ++k) sum += std::pow((now[k] - then[k]).item<double>(), 2);
    EXPECT_NEAR(terms.at("logits").item<double>(), 0.25 * sum / 4, 1e-5) << "alpha's scale is off, by C or B_m";
    EXPECT_EQ(terms.size(), 1U) << "labels are not part of it";
  });
}

TEST(Der, PlusPlusAddsBetaTimesTheCrossEntropyOfStoredLabels) {
  watch(one_sample("der++", 0.25, 3), [](StepContext& c, Terms const& terms, Rows const& rows) {
    auto const now = logits_of(c.learner, rows)[0];
    double sum = 0;
    for (std::int64_t k = 0; k < 4; ++k) sum += std::exp(now[k].item<double>());
    auto const label = rows.labels[0].item<std::int64_t>();
    EXPECT_NEAR(terms.at("labels").item<double>(), 3 * (std::log(sum) - now[label].item<double>()), 1e-4);
    EXPECT_EQ(terms.size(), 2U);
  });
}

TEST(Der, TheTwoTermsOfPlusPlusComeFromDrawsOfTheirOwn) {
  // With alpha alone the first draw is the same as with both; with beta alone the second draw becomes the first.
  std::vector<double> both, alone;
  Json config = {{"kind", "der++"}, {"memory", 12}, {"alpha", 0.0}, {"beta", 1.0}};
  auto const first = [](std::vector<double>& to) {
    return [&to](StepContext&, Terms const& terms, Rows const&) { to.push_back(terms.at("labels").item<double>()); };
  };
  watch(config, first(alone));
  config["alpha"] = 1e-12;  // draws, and moves nothing
  watch(config, first(both));
  EXPECT_NE(both.front(), alone.front()) << "the labels' term used the logits' draw";
}

TEST(Der, StoresTheLogitsOfTheStepsForwardPassBeforeItsUpdate) {
  for (auto const* kind : {"der", "der++"}) {
    auto list = listed({{"kind", kind}, {"memory", 1000}});
    auto const& buffer = der_of(list).buffer();
    auto probe = std::make_unique<test::Scripted>();
    at::Tensor given;
    int steps = 0;
    probe->on_observe = [&](StepContext& c) { given = c.output->logits.detach().clone(); };
    probe->on_after_step = [&](StepContext& c) {
      auto const n = c.rows.size(0);
      auto const newest = buffer.all().extras.at("logits").narrow(0, buffer.size() - n, n);
      EXPECT_TRUE(at::equal(newest, given)) << "step " << steps;
      EXPECT_FALSE(newest.requires_grad()) << "a graph is kept alive";
      EXPECT_EQ(buffer.seen(), 8 * ++steps) << "replayed rows were offered again";
    };
    list.add("probe", std::move(probe), 0);
    test::Rig rig(std::move(list));
    rig.trainer.run(toy::stream(2));
    EXPECT_EQ(steps, 20);
  }
}

TEST(Der, FromTheStartBothTermsStandFromTheSecondStepOn) {
  for (auto const* kind : {"der", "der++"}) {
    auto list = listed({{"kind", kind}, {"memory", 12}, {"from_start", true}});
    auto& der = const_cast<Der&>(der_of(list));
    auto probe = std::make_unique<test::Scripted>();
    std::size_t const terms = std::string(kind) == "der" ? 1 : 2;
    int steps = 0;
    probe->on_observe = [&](StepContext& c) { EXPECT_EQ(der.terms(c).size(), steps++ == 0 ? 0 : terms) << kind; };
    list.add("probe", std::move(probe), 0);
    test::Rig rig(std::move(list));
    rig.trainer.run(toy::stream(1));
    EXPECT_EQ(steps, 10);
  }
}

TEST(Der, DistinctDrawsOfTheWholeMemoryAreTheMemory) {
  Json const config = {{"kind", "der"}, {"memory", 12}, {"batch", 12}, {"alpha", 1.0}, {"draw", "distinct"}};
  watch(config, [](StepContext& c, Terms const& terms, Rows const& rows) {
    auto const all = at::mse_loss(logits_of(c.learner, rows), rows.extras.at("logits")).item<double>();
    EXPECT_NEAR(terms.at("logits").item<double>(), all, 1e-5) << "a sample was drawn twice, and another not at all";
  });
}

TEST(Der, InAListTheOrderIsTheTables) {
  Json const er = {{"kind", "er"}, {"memory", 12}}, der = {{"kind", "der"}, {"memory", 12}};
  EXPECT_EQ(hash_of(listed({der, er})), hash_of(listed({er, der})));
  EXPECT_NE(hash_of(listed({der, er})), hash_of(listed(er)));
}

TEST(Der, WithoutStrengthIsNaive) {
  Json const der = {{"kind", "der"}, {"memory", 12}};
  auto with = [](Json config, char const* name, double value) {
    config[name] = value;
    return hash_of(listed(config));
  };
  EXPECT_EQ(with(der, "alpha", 0), hash_of({}));
  EXPECT_NE(hash_of(listed(der)), hash_of({}));
  EXPECT_NE(with({{"kind", "der++"}, {"memory", 12}, {"alpha", 0.0}}, "beta", 0.5), hash_of({}));
}

TEST(Der, ItsGradientMovesStoredLogitsBack) {
  auto distance = [](double alpha) {
    auto list = listed({{"kind", "der"}, {"memory", 40}, {"alpha", alpha}, {"policy", "task-balanced"}});
    auto const& buffer = der_of(list).buffer();
    test::Rig rig(std::move(list));
    rig.trainer.run(toy::stream(2));
    auto const rows = buffer.of_task(0);
    return at::mse_loss(logits_of(*rig.learner, rows), rows.extras.at("logits")).item<double>();
  };
  EXPECT_LT(distance(5), distance(0)) << "the term pushes away from what was stored";
}

}  // namespace
}  // namespace mneme
