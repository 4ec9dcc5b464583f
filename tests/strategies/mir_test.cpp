// MIR: if these fail, what is replayed is not what the coming step would harm most, or finding it leaves a trace.
#include "mneme/strategies/mir.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

using test::hash_of;
using test::listed;

constexpr double kRate = 0.5;
Json const kMir = {{"kind", "mir"}, {"memory", 12}, {"candidates", 12}, {"batch", 3}, {"learning_rate", kRate}};

/// -log softmax(logits)[y] of every row, in double.
at::Tensor losses_of(Learner& learner, Batch const& batch) {
  auto noise = at::detail::createCPUGenerator(0);
  auto const logits = learner.forward(batch, {}, noise).logits.to(at::kDouble);
  return logits.exp().sum(1).log() - logits.gather(1, batch.y().unsqueeze(1)).squeeze(1);
}

/// Every candidate's loss after a step of plain descent on the new samples, less its loss now: on a copy of the
/// learner.
at::Tensor interference(Learner& learner, Batch const& current, Batch const& candidates) {
  auto const copy = learner.snapshot();
  auto const before = losses_of(*copy, candidates).detach();
  at::AutoGradMode const grad(true);
  copy->parameters().begin_gradient();
  losses_of(*copy, current).mean().backward();
  copy->parameters().finish_gradient();
  at::NoGradGuard const no_grad;
  copy->parameters().value().sub_(copy->parameters().grad() * kRate);
  return losses_of(*copy, candidates) - before;
}

/// Runs mir; `at_compose` sees every composed batch, and what the memory held.
void watch(Json const& config, std::function<void(Batch const&, Rows const&, StepContext&)> const& at_compose) {
  auto list = listed(config);
  auto const& buffer = dynamic_cast<Mir const&>(*list.members()[0].strategy).buffer();
  auto probe = std::make_unique<test::Scripted>();
  at::Tensor weights;
  int steps = 0;
  probe->on_compose = [&](Batch batch, StepContext& c) {
    if (weights.defined()) {
      EXPECT_TRUE(at::equal(weights, c.parameters().value())) << "the virtual step was not taken back";
    }
    if (!c.first()) {
      ++steps;
      at_compose(batch, buffer.all(), c);
    }
    return batch;
  };
  probe->on_after_step = [&](StepContext& c) { weights = c.parameters().value().clone(); };
  list.add("probe", std::move(probe), 0);
  test::Rig rig(std::move(list));
  rig.trainer.run(toy::stream(2));
  EXPECT_EQ(steps, 10);
}

TEST(Mir, ReplaysWhatTheStepWouldHarmMost) {
  watch(kMir, [](Batch const& batch, Rows const& stored, StepContext& c) {
    ASSERT_EQ(batch.size(), 11);
    Batch const candidates(Dataset::to_input(stored.data), stored.labels);
    auto const scores = interference(c.learner, batch.rows(0, 8), candidates);
    auto const most = std::get<1>(scores.topk(3));
    EXPECT_TRUE(at::equal(batch.x.narrow(0, 8, 3), candidates.x.index_select(0, most)))
        << "other samples than the three that lose most";
    EXPECT_TRUE(at::equal(batch.y().narrow(0, 8, 3), candidates.y().index_select(0, most)));
    EXPECT_EQ(batch.parts.back().origin, BatchPart::Origin::kMemory);
  });
}

TEST(Mir, DrawsDifferentCandidatesAndNoMoreThanThereAre) {
  auto config = kMir;
  config["candidates"] = 100;
  config["batch"] = 50;
  watch(config, [](Batch const& batch, Rows const& stored, StepContext&) {
    ASSERT_EQ(batch.size(), 8 + stored.size());
    auto const sorted = [](at::Tensor const& x) { return std::get<0>(at::unique_dim(x.flatten(1), 0)); };
    EXPECT_TRUE(at::equal(sorted(batch.x.narrow(0, 8, stored.size())), sorted(Dataset::to_input(stored.data))))
        << "a candidate was drawn twice, and another not at all";
  });
}

TEST(Mir, HoldsNothingOfABatchBeforeItsStep) {
  watch(kMir, [](Batch const&, Rows const& stored, StepContext& c) {
    bool const second_begins = c.step == 10;
    if (second_begins) {
      EXPECT_EQ(stored.task.max().item<std::int64_t>(), 0);
    }
  });
}

TEST(Mir, WithoutMemoryIsNaiveAndTheChoiceMatters) {
  auto none = kMir, one = kMir, other = kMir;
  none["memory"] = 0;
  other["learning_rate"] = 5.0;
  EXPECT_EQ(hash_of(listed(none)), hash_of({}));
  EXPECT_NE(hash_of(listed(one)), hash_of({}));
  EXPECT_NE(hash_of(listed(one)), hash_of(listed(other))) << "the virtual step has no part in the choice";
}

}  // namespace
}  // namespace mneme
