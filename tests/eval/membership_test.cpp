// Membership inference: if these fail, a model is said to have forgotten while an attacker can tell, or the reverse.
#include "mneme/eval/membership.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace mneme {
namespace {

/// By its definition, over all pairs.
double slow_area(std::vector<double> const& positive, std::vector<double> const& negative) {
  double wins = 0;
  for (double const p : positive)
    for (double const n : negative) wins += p > n ? 1 : p == n ? 0.5 : 0;
  return wins / static_cast<double>(positive.size() * negative.size());
}

TEST(AreaUnderCurve, OfHandComputedCases) {
  std::vector<double> const high = {2, 3}, low = {0, 1}, ties = {1, 1};
  EXPECT_DOUBLE_EQ(area_under_curve(high, low), 1);
  EXPECT_DOUBLE_EQ(area_under_curve(low, high), 0);
  EXPECT_DOUBLE_EQ(area_under_curve(low, ties), 0.25) << "of four pairs two are lost and two are ties";
  EXPECT_TRUE(std::isnan(area_under_curve(high, {}))) << "0.5 would say that nobody can tell";
}

TEST(AreaUnderCurve, EqualsTheCountOverAllPairs) {
  std::mt19937 generator(1);
  std::uniform_int_distribution<int> number(0, 9);  // many ties
  std::vector<double> a(37), b(23);
  for (auto& x : a) x = number(generator) + 1;
  for (auto& x : b) x = number(generator);
  EXPECT_NEAR(area_under_curve(a, b), slow_area(a, b), 1e-12);
}

TEST(LossAttack, MembersAreThoseWithTheLowerLoss) {
  std::vector<AnswerFeatures> const members = {{.loss = 0.1}, {.loss = 0.5}}, others = {{.loss = 0.2}, {.loss = 2}};
  EXPECT_DOUBLE_EQ(loss_attack(members, others), 0.75);
}

std::vector<AnswerFeatures> drawn(double confidence, std::size_t n, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> noise;
  std::vector<AnswerFeatures> list(n);
  for (auto& s : list)
    s = {.loss = noise(generator), .confidence = confidence + noise(generator), .entropy = 0.7, .right = true};
  return list;
}

TEST(MembershipAttacker, ReachesTheBestPossibleAreaOnAKnownShift) {
  auto const members = drawn(1, 4000, 1), others = drawn(0, 4000, 2);
  MembershipAttacker const attacker(members, others);
  // Two normal distributions one deviation apart: AUC = Phi(1 / sqrt 2) = 0.7602.
  EXPECT_NEAR(attacker.attack(drawn(1, 4000, 3), drawn(0, 4000, 4)), 0.7602, 0.02);
  EXPECT_NEAR(attacker.attack(drawn(0, 4000, 5), drawn(0, 4000, 6)), 0.5, 0.02) << "it tells equals apart";
}

TEST(MembershipAttacker, IsWhereTheGradientIsZero) {
  auto const members = drawn(1, 50, 1), others = drawn(0, 80, 2);
  MembershipAttacker const attacker(members, others);
  double gap = 0;  // the offset's gradient: mean score of both sides, weighed alike, less 1/2, but for the ridge
  for (auto const& s : members) gap += 0.5 * (attacker.score(s) - 1) / 50;
  for (auto const& s : others) gap += 0.5 * attacker.score(s) / 80;
  EXPECT_NEAR(gap, 0, 1e-3);
}

TEST(MembershipAttacker, SurvivesFeaturesThatSeparate) {
  std::vector<AnswerFeatures> const members(20, {.loss = 0, .confidence = 1, .entropy = 0, .right = true});
  std::vector<AnswerFeatures> const others(20, {.loss = 5, .confidence = 0.2, .entropy = 2, .right = false});
  MembershipAttacker const attacker(members, others);
  EXPECT_DOUBLE_EQ(attacker.attack(members, others), 1);
  EXPECT_TRUE(std::isfinite(attacker.score(others.front())));
  EXPECT_DOUBLE_EQ(accuracy_of(members), 1);
  EXPECT_DOUBLE_EQ(accuracy_of(others), 0);
}

}  // namespace
}  // namespace mneme
