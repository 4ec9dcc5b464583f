// ER-ACE: if these fail, new samples push old classes down after all, or stored ones are compared with the wrong ones.
#include "mneme/strategies/er_ace.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <set>

#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

using test::hash_of;
using test::listed;
using Classes = std::set<std::int64_t>;

Json const kErAce = {{"kind", "er-ace"}, {"memory", 12}};

/// A task of the toy images of some classes.
Task task_of(std::int64_t id, Classes const& classes) {
  auto const part = [&](Dataset const& data) {
    auto chosen = at::zeros({data.size()}, at::kBool);
    for (auto const c : classes) chosen.logical_or_(data.labels().eq(c));
    return data.select(chosen.nonzero().squeeze(1));
  };
  return {.name = "part-" + std::to_string(id),
          .id = id,
          .train = part(toy::images("toy", 80, 0)),
          .test = part(toy::images("toy", 20, 1)),
          .classes = {classes.begin(), classes.end()}};
}

/// Classes 0, then 1 and 2; class 3 never comes.
Stream growing_stream() {
  auto stream = toy::split_stream(false);
  stream.events = {task_of(0, {0}), task_of(1, {1, 2})};
  return stream;
}

/// softmax of a row over `classes`, 0 elsewhere.
std::vector<double> softmax(at::Tensor const& row, Classes const& classes) {
  std::vector<double> p(static_cast<std::size_t>(row.numel()), 0);
  double sum = 0;
  for (auto const c : classes) sum += p[static_cast<std::size_t>(c)] = std::exp(row[c].item<double>());
  for (auto& each : p) each /= sum;
  return p;
}

/// Mean cross-entropy of rows [first, first + n) and its gradient for the head's bias, by plain arithmetic.
struct Expected {
  double loss = 0;
  std::vector<double> bias = std::vector<double>(4, 0.0);
};
Expected expected(StepContext& c, std::int64_t first, std::int64_t n,
                  std::function<Classes(std::int64_t label)> const& classes) {
  Expected result;
  for (std::int64_t i = first; i < first + n; ++i) {
    auto const label = c.batch.y()[i].item<std::int64_t>();
    auto const p = softmax(c.output->logits.detach()[i], classes(label));
    result.loss -= std::log(p[static_cast<std::size_t>(label)]) / static_cast<double>(n);
    for (std::size_t k = 0; k < 4; ++k)
      result.bias[k] += (p[k] - (static_cast<std::int64_t>(k) == label ? 1 : 0)) / static_cast<double>(n);
  }
  return result;
}

/// Runs er-ace; `at_gradient` sees every step of the second event before its update.
void watch(Stream const& stream, std::function<void(StepContext&, Terms const&)> const& at_gradient) {
  auto list = listed(kErAce);
  auto& strategy = *list.members()[0].strategy;
  auto probe = std::make_unique<test::Scripted>();
  int steps = 0;
  probe->on_observe = [&](StepContext& c) {
    if (c.first()) return;
    ++steps;
    at_gradient(c, strategy.terms(c));
  };
  list.add("probe", std::move(probe), 0);
  test::Rig rig(std::move(list));
  rig.trainer.run(stream);
  EXPECT_EQ(steps, 10);
}

Classes present_in(at::Tensor const& labels) {
  Classes present;
  for (std::int64_t i = 0; i < labels.size(0); ++i) present.insert(labels[i].item<std::int64_t>());
  return present;
}

TEST(ErAce, NewSamplesCompeteWithinTheirBatchAndStoredOnesWithAllSeen) {
  Classes seen = {0};
  watch(growing_stream(), [&](StepContext& c, Terms const& terms) {
    ASSERT_EQ(c.batch.size(), 16);
    auto const present = present_in(c.batch.y().narrow(0, 0, 8));
    seen.insert(present.begin(), present.end());
    auto const current = expected(c, 0, 8, [&](auto) { return present; });
    auto const memory = expected(c, 8, 8, [&](auto) { return seen; });
    EXPECT_NEAR(terms.at("current").item<double>(), current.loss, 1e-4) << "not the classes of the batch alone";
    EXPECT_NEAR(terms.at("memory").item<double>(), memory.loss, 1e-4) << "not all classes seen so far, and only those";
    auto const& bias = c.parameters().segments()[static_cast<std::size_t>(c.parameters().find("head.bias"))];
    auto const gradient = c.parameters().grad().narrow(0, bias.offset, bias.size);
    for (std::size_t k = 0; k < 4; ++k)
      EXPECT_NEAR(gradient[static_cast<std::int64_t>(k)].item<double>(), current.bias[k] + memory.bias[k], 1e-5)
          << "output " << k << ": the loss is not the sum of the two means";
  });
  EXPECT_EQ(seen, (Classes{0, 1, 2}));
}

TEST(ErAce, KeepsToTheHeadsOfTheTasks) {
  Classes seen = {0, 1};
  watch(toy::split_stream(true), [&](StepContext& c, Terms const& terms) {
    auto const present = present_in(c.batch.y().narrow(0, 0, 8));
    seen.insert(present.begin(), present.end());
    auto const of_task = [&](std::int64_t label) {
      Classes classes;
      for (auto const k : seen)
        if (k / 2 == label / 2) classes.insert(k);
      return classes;
    };
    EXPECT_NEAR(terms.at("current").item<double>(), expected(c, 0, 8, [&](auto) { return present; }).loss, 1e-4);
    EXPECT_NEAR(terms.at("memory").item<double>(), expected(c, 8, 8, of_task).loss, 1e-4)
        << "a stored sample meets classes of another task";
  });
}

TEST(ErAce, WithoutMemoryIsNaive) {
  EXPECT_EQ(hash_of(listed({{"kind", "er-ace"}, {"memory", 0}})), hash_of({}));
  EXPECT_NE(hash_of(listed(kErAce)), hash_of({}));
  EXPECT_NE(hash_of(listed(kErAce)), hash_of(listed({{"kind", "er"}, {"memory", 12}})));
}

TEST(ErAce, GoesWithReplayOfAnotherButNotWithAnotherLoss) {
  EXPECT_NE(hash_of(listed({kErAce, {{"kind", "er"}, {"memory", 12}}})), hash_of(listed(kErAce)));
  test::Rig rig(listed({"er-ace", "er-aml"}));
  auto const message = message_of<ConfigError>([&] { rig.trainer.run(toy::stream(2)); });
  EXPECT_NE(message.find("each replaces the learner's loss"), std::string::npos) << message;
}

}  // namespace
}  // namespace mneme
