// EWC: if these fail, the penalty is not the one in the equation.
#include "mneme/strategies/ewc.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <set>

#include "tests/nets/oracle.hpp"
#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

using test::hash_of;
using test::listed;

at::Tensor row(std::vector<float> const& values) { return at::tensor(values); }

TEST(MergedQuadratic, OfTwoTermsEqualsTheHandComputedSum) {
  MergedQuadratic quadratic;
  EXPECT_TRUE(quadratic.empty());
  quadratic.add(row({1, 2}), row({0, 1}));
  auto const theta = row({2, 2});
  EXPECT_DOUBLE_EQ(quadratic.value(theta).item<double>(), 3);  // (1 * 4 + 2 * 1) / 2
  quadratic.add(row({3, 0}), row({1, 5}));
  EXPECT_DOUBLE_EQ(quadratic.value(theta).item<double>(), 4.5);  // + (3 * 1 + 0 * 9) / 2
  auto grad = row({10, 20});
  quadratic.add_gradient(theta, 2.0, grad);
  EXPECT_TRUE(at::equal(grad, row({20, 24})));  // + 2 * (1 * 2 + 3 * 1), + 2 * (2 * 1)
}

TEST(MergedQuadratic, EqualsSeparateTermsInDouble) {
  at::manual_seed(4);
  constexpr int kTasks = 7;
  constexpr std::int64_t kSize = 500;
  MergedQuadratic merged;
  auto const theta = at::randn({kSize});
  double value = 0;
  auto gradient = at::zeros({kSize}, at::kDouble);
  for (int k = 0; k < kTasks; ++k) {
    // From 1e-8 to 1e2, some exactly zero, as Fisher diagonals are.
    auto const fisher = at::pow(10, at::rand({kSize}) * 10 - 8) * at::rand({kSize}).gt(0.3);
    auto const anchor = theta + at::randn({kSize}) * 0.1;
    merged.add(fisher, anchor);
    auto const difference = theta.to(at::kDouble) - anchor.to(at::kDouble);
    value += 0.5 * (fisher.to(at::kDouble) * difference.square()).sum().item<double>();
    gradient += fisher.to(at::kDouble) * difference;
  }
  auto grad = at::zeros({kSize});
  merged.add_gradient(theta, 1.0, grad);
  EXPECT_NEAR(merged.value(theta).item<double>() / value, 1, 1e-5);
  EXPECT_LT(relative_error(grad, gradient), 1e-5);
}

TEST(MergedQuadratic, OnlineDecaysTheFisherAndMovesTheAnchor) {
  MergedQuadratic quadratic;
  quadratic.decay_and_move(0.5, row({4, 8}), row({1, 1}));
  EXPECT_TRUE(at::equal(quadratic.importance(), row({4, 8}))) << "the first task has nothing to decay";
  quadratic.decay_and_move(0.5, row({1, 1}), row({2, 3}));
  EXPECT_TRUE(at::equal(quadratic.importance(), row({3, 5})));
  EXPECT_TRUE(at::equal(quadratic.anchor(), row({2, 3})));
  EXPECT_DOUBLE_EQ(quadratic.value(row({4, 3})).item<double>(), 6);  // 3 * 2^2 / 2
}

TEST(MergedQuadratic, GrowsWithTheArena) {
  MergedQuadratic quadratic;
  quadratic.add(row({1, 2}), row({0, 0}));
  quadratic.grown({.old_size = 2, .new_size = 3, .moves = {{0, 0, 1}, {1, 2, 1}}});
  EXPECT_TRUE(at::equal(quadratic.importance(), row({1, 0, 2}))) << "a new parameter is free";
}

Json ewc(double lambda, Json more = Json::object()) {
  more.update({{"kind", "ewc"}, {"lambda", lambda}, {"samples", 20}});
  return more;
}

TEST(Ewc, WithLambdaZeroIsNaiveBitForBit) {
  EXPECT_EQ(hash_of(listed(ewc(0))), hash_of(listed("naive")));
  EXPECT_EQ(hash_of(listed("naive")), hash_of({}));
}

TEST(Ewc, WithAPositiveLambdaIsAnotherRun) {
  EXPECT_NE(hash_of(listed(ewc(10))), hash_of(listed("naive")));
  EXPECT_EQ(hash_of(listed(ewc(10)), RunRecipe::toy().train, 1), hash_of(listed("naive"), RunRecipe::toy().train, 1))
      << "there is nothing to hold on to in the first task";
}

TEST(Ewc, OnlineWithGammaOneAfterOneTaskIsSeparate) {
  EXPECT_EQ(hash_of(listed(ewc(10, {{"mode", "online"}}))), hash_of(listed(ewc(10))));
  EXPECT_NE(hash_of(listed(ewc(10, {{"mode", "online"}})), RunRecipe::toy().train, 3),
            hash_of(listed(ewc(10)), RunRecipe::toy().train, 3));
}

/// A step's gradient with EWC is the plain one plus lambda F (theta - anchor), and the logged term its value.
TEST(Ewc, AddsItsGradientAndLogsItsValue) {
  struct Lines final : Observer {
    std::vector<Json> lines;
    void line(Json const& line) override { lines.push_back(line); }
  } lines;
  constexpr double kLambda = 50;
  auto list = listed(ewc(kLambda));
  auto probe = std::make_unique<test::Scripted>();
  at::Tensor before, after;
  std::vector<double> values;
  Ewc const* member = nullptr;
  probe->on_observe = [&](StepContext& c) { before = c.parameters().grad().clone(); };
  probe->on_project = [&](StepContext& c) {
    after = c.parameters().grad().clone();
    auto const& quadratic = member->quadratic();
    if (quadratic.empty()) return;
    auto const difference = c.parameters().value() - quadratic.anchor();
    EXPECT_LT(relative_error(after - before, kLambda * quadratic.importance() * difference), 1e-3);
    values.push_back(kLambda / 2 * (quadratic.importance() * difference.square()).sum().item<double>());
  };
  list.add("probe", std::move(probe), 0);
  test::Rig rig(std::move(list));
  member = dynamic_cast<Ewc const*>(rig.trainer.strategies().members()[0].strategy.get());
  rig.trainer.attach(&lines);
  rig.trainer.run(toy::stream(2));

  std::vector<double> logged;
  Json importance;
  for (auto const& line : lines.lines) {
    if (line["kind"] == "step" && line["event"] == 1) logged.push_back(line["terms"].at("ewc"));
    if (line["kind"] == "importance" && importance.is_null()) importance = line;
  }
  ASSERT_EQ(logged.size(), values.size());
  ASSERT_EQ(logged.size(), 10U);
  for (std::size_t i = 0; i < logged.size(); ++i) EXPECT_NEAR(logged[i], values[i], 1e-5 * (1 + values[i])) << i;
  EXPECT_EQ(logged.front(), 0) << "the second task starts at the anchor";
  EXPECT_GT(logged.back(), 0);
  EXPECT_GT(importance["trace"], 0);
  EXPECT_EQ(importance["samples"], 20);
  EXPECT_EQ(importance["labels"], "sampled");
  EXPECT_TRUE(importance["quantiles"].contains("0.99")) << importance;
}

// Wrong: keys such as 0.90000000000000002, which no reader of the log finds.
TEST(Ewc, LogsQuantilesUnderTheirShortestNames) {
  struct Importance final : Observer {
    Json quantiles;
    void line(Json const& line) override {
      if (line["kind"] == "importance") quantiles = line["quantiles"];
    }
  } log;
  test::Rig rig(listed(ewc(10)));
  rig.trainer.attach(&log);
  rig.trainer.run(toy::stream(1));
  std::set<std::string> keys;
  for (auto const& [key, value] : log.quantiles.items()) keys.insert(key);
  ASSERT_EQ(keys, (std::set<std::string>{"0.5", "0.9", "0.99", "1"}));
  auto const* member = dynamic_cast<Ewc const*>(rig.trainer.strategies().members()[0].strategy.get());
  EXPECT_EQ(log.quantiles["1"], member->quadratic().importance().max().item<double>());
  EXPECT_LE(log.quantiles["0.5"], log.quantiles["0.9"]);
  EXPECT_LE(log.quantiles["0.9"], log.quantiles["0.99"]);
}

TEST(Ewc, RefusesOptionsThatMeanNothing) {
  EXPECT_THROW(listed(ewc(-1)), ConfigError);
  EXPECT_THROW(listed(ewc(1, {{"lamda", 2}})), ConfigError);
  auto const message = message_of<ConfigError>([] { static_cast<void>(listed(ewc(1, {{"labels", "al"}}))); });
  EXPECT_NE(message.find("all"), std::string::npos) << message;
}

}  // namespace
}  // namespace mneme
