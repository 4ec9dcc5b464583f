// GSS: if these fail, the memory is not chosen by the directions of gradients, or alike samples crowd it.
#include "mneme/strategies/gss.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

using test::hash_of;
using test::listed;

/// One subset, which is the whole memory: what new samples are compared with is known.
Json const kWhole = {{"kind", "gss"}, {"memory", 12}, {"subsets", 1}, {"subset_size", 12}};

at::Tensor products_of(std::vector<float> const& vectors) {
  auto const rows = at::tensor(vectors).view({-1, 2});
  return at::mm(rows, rows.t());
}

TEST(Gss, SimilarityIsTheLargestCosineWithTheMeanOfASubset) {
  // New: (1, 0), (0, 2). Subsets: two of mean (-2, 0), two of mean (1, 1).
  auto const s = gradient_similarity(products_of({1, 0, 0, 2, -1, 3, -3, -3, 2, 0, 0, 2}), 2, 2);
  EXPECT_NEAR(s.each[0].item<double>(), std::sqrt(0.5), 1e-6);
  EXPECT_NEAR(s.each[1].item<double>(), std::sqrt(0.5), 1e-6) << "subsets are judged by their mean gradient";
  EXPECT_NEAR(s.batch.item<double>(), 1.5 / std::sqrt(2 * 1.25), 1e-6) << "cos((0.5, 1), (1, 1))";
  auto const against = gradient_similarity(products_of({1, 0, 0, 1, -1, 0, -1, 0}), 2, 1);
  EXPECT_NEAR(against.batch.item<double>(), -std::sqrt(0.5), 1e-6) << "the sign was lost";
  EXPECT_NEAR(against.each[1].item<double>(), 0, 1e-6);
  EXPECT_EQ(gradient_similarity(products_of({0, 0, 1, 0}), 1, 1).each[0].item<double>(), 0) << "divided by zero";
}

TEST(Gss, SlotsAreDrawnByHowFarTheirScoreIsAboveTheLeast) {
  auto const chance = chance_of_slots(at::tensor({-0.2F, 0.0F, 0.29F}));  // spread 0.49, and 0.01
  EXPECT_NEAR(chance[1].item<double>(), 0.4, 1e-6);
  EXPECT_NEAR(chance[2].item<double>(), 0.98, 1e-6);
  EXPECT_LT(chance[0].item<double>(), 1e-5) << "the sample unlike all others is given away as the rest";
  EXPECT_GT(chance[0].item<double>(), 0) << "a batch of as many samples as there are slots cannot be drawn";
  auto const alike = chance_of_slots(at::full({3}, 0.1F));
  EXPECT_TRUE(alike.gt(0).all().item<bool>() && alike.eq(alike[0]).all().item<bool>()) << "the first scores are equal";
}

TEST(Gss, ASampleLikeTheRestGivesWayToADifferentOne) {
  auto const chance = chance_to_give_way(at::tensor({0.5F, 0.0F, -0.5F, 1.0F}), at::tensor({-0.5F, 0.0F, 0.5F, -1.0F}));
  EXPECT_NEAR(chance[0].item<double>(), 0.75, 1e-6);
  EXPECT_NEAR(chance[1].item<double>(), 0.5, 1e-6);
  EXPECT_NEAR(chance[2].item<double>(), 0.25, 1e-6) << "the wrong one of the two gives way";
  EXPECT_NEAR(chance[3].item<double>(), 1, 1e-5);
}

// Wrong: a slot that was just taken cannot be taken again, or goes by its old score; the last slot is never drawn.
TEST(Gss, InTurnEachDrawsASlotByItsScoreAsItThenStands) {
  auto const stored = at::tensor({0.0F, 1.0F, -0.5F});        // s' 0.5, 1, 0.25: bounds at 0.5, 1.5, 1.75
  auto const fresh = at::tensor({-0.5F, 0.5F, 1.0F, -1.0F});  // s' 0.25, 0.75, 1, 0
  auto const taken = [&](std::vector<double> const& uniform) {
    auto const n = static_cast<std::int64_t>(uniform.size()) / 2;
    return taken_in_turn(stored, fresh.narrow(0, 0, n), at::tensor(uniform, at::kDouble).view({n, 2}));
  };
  using Slots = std::vector<std::int64_t>;
  EXPECT_EQ(taken({0.28, 0.66}), (Slots{0, -1, -1})) << "0.28 of 1.75 is below 0.5; it gives way below 2 / 3";
  EXPECT_EQ(taken({0.28, 0.67}), (Slots{-1, -1, -1}));
  EXPECT_EQ(taken({0.29, 0.0}), (Slots{-1, 0, -1}));
  EXPECT_EQ(taken({0.999, 0.0}), (Slots{-1, -1, 0}));
  // The first takes slot 1, so that bounds are 0.5, 0.75, 1 and the second, which needs 0.25 / (0.25 + 0.75), too.
  EXPECT_EQ(taken({0.5, 0.5, 0.6, 0.24}), (Slots{-1, 1, -1}));
  EXPECT_EQ(taken({0.5, 0.5, 0.6, 0.26}), (Slots{-1, 0, -1}));
}

struct Cosine {
  Learner& learner;
  RandomStreams streams{0};
  at::Tensor gradient(Batch const& batch) {
    auto const row = learner.parameters().new_row();
    learner.gradient(batch, row, streams.get("noise"));
    return row.to(at::kDouble);
  }
  double of(Batch const& batch, Rows const& stored) {
    auto const a = gradient(batch), b = gradient(Batch(Dataset::to_input(stored.data), stored.labels));
    return (a.dot(b) / (a.norm() * b.norm())).item<double>();
  }
};

/// Four tasks at a rate at which batches come to point away from the memory.
void run_long(StrategyList list, std::unique_ptr<test::Scripted> probe) {
  list.add("probe", std::move(probe), 0);
  auto options = RunRecipe::toy().train;
  options.optimizer.learning_rate = 0.05;
  test::Rig rig(std::move(list), options);
  rig.trainer.run(toy::stream(4));
}

/// The memory as it was; `all` are views that later steps write into.
Rows copy_of(Buffer const& buffer) { return buffer.empty() ? Rows{} : buffer.all().select(at::arange(buffer.size())); }

TEST(Gss, ReplacesOnlyWhatABatchAgainstTheMemoryPointsAwayFrom) {
  auto list = listed(kWhole);
  auto const& gss = dynamic_cast<Gss const&>(*list.members()[0].strategy);
  auto probe = std::make_unique<test::Scripted>();
  Rows before;
  int kept = 0, replaced = 0, step = 0;
  probe->on_after_step = [&](StepContext& c) {
    auto const now = copy_of(gss.buffer());
    auto const current = c.batch.rows(0, 8);
    Cosine cosine{.learner = c.learner};
    if (step == 0) {
      EXPECT_TRUE(at::equal(gss.scores().narrow(0, 0, 8), at::full({8}, 0.1F)));
    } else if (step == 1) {  // four more places
      ASSERT_EQ(now.size(), 12);
      EXPECT_TRUE(at::equal(Dataset::to_input(now.data).narrow(0, 8, 4), current.x.narrow(0, 0, 4)));
      for (std::int64_t i = 0; i < 4; ++i)
        EXPECT_NEAR(gss.scores()[8 + i].item<double>(), cosine.of(current.rows(i, 1), before), 1e-4);
    } else {
      auto const changed = now.data.ne(before.data).flatten(1).any(1).nonzero().squeeze(1);
      if (cosine.of(current, before) >= 0) {
        EXPECT_EQ(changed.numel(), 0) << "step " << step << ": the batch is like the memory, and took places";
        ++kept;
      }
      replaced += static_cast<int>(changed.numel());
      for (std::int64_t i = 0; i < changed.numel(); ++i) {
        auto const slot = changed[i].item<std::int64_t>();
        auto const row = current.x.eq(Dataset::to_input(now.data)[slot]).flatten(1).all(1).nonzero();
        ASSERT_EQ(row.size(0), 1) << "what entered is not of this batch";
        auto const place = row[0][0].item<std::int64_t>();
        EXPECT_EQ(now.labels[slot].item<std::int64_t>(), current.y()[place].item<std::int64_t>());
        EXPECT_NEAR(gss.scores()[slot].item<double>(), cosine.of(current.rows(place, 1), before), 1e-4)
            << "the score is that of another sample";
      }
    }
    before = now;
    ++step;
  };
  run_long(std::move(list), std::move(probe));
  EXPECT_GT(kept, 0) << "the test shows nothing";
  EXPECT_GT(replaced, 0) << "the test shows nothing";
}

TEST(Gss, ReplaysStoredSamplesFromTheSecondEventOn) {
  auto list = listed({{"kind", "gss"}, {"memory", 12}, {"batch", 3}});
  auto probe = std::make_unique<test::Scripted>();
  probe->on_compose = [&](Batch batch, StepContext& c) {
    EXPECT_EQ(batch.size(), c.first() ? 8 : 11);
    return batch;
  };
  list.add("probe", std::move(probe), 0);
  test::Rig rig(std::move(list));
  rig.trainer.run(toy::stream(2));
}

TEST(Gss, FromTheStartItReplaysFromTheSecondStepOn) {
  auto list = listed({{"kind", "gss"}, {"memory", 12}, {"batch", 3}, {"from_start", true}});
  auto probe = std::make_unique<test::Scripted>();
  int steps = 0;
  probe->on_compose = [&](Batch batch, StepContext&) {
    EXPECT_EQ(batch.size(), steps++ == 0 ? 8 : 11);
    return batch;
  };
  list.add("probe", std::move(probe), 0);
  test::Rig rig(std::move(list));
  rig.trainer.run(toy::stream(1));
  EXPECT_EQ(steps, 10);
}

// Wrong: a sample of its own direction is scored by itself while there is room, and gives way otherwise.
TEST(Gss, ByMammothsConventionABatchHasOneScoreWhileThereIsRoom) {
  auto config = kWhole;
  config["convention"] = "mammoth";
  auto list = listed(config);
  auto const& gss = dynamic_cast<Gss const&>(*list.members()[0].strategy);
  auto probe = std::make_unique<test::Scripted>();
  Rows before;
  int step = 0, replaced = 0;
  probe->on_after_step = [&](StepContext& c) {
    auto const now = copy_of(gss.buffer());
    Cosine cosine{.learner = c.learner};
    if (step == 0) {
      EXPECT_TRUE(at::equal(gss.scores().narrow(0, 0, 8), at::full({8}, -0.9F)));
    } else if (step == 1) {
      auto const score = cosine.of(c.batch.rows(0, 8), before);
      for (std::int64_t i = 8; i < 12; ++i) EXPECT_NEAR(gss.scores()[i].item<double>(), score, 1e-4);
    } else {
      auto const changed = now.data.ne(before.data).flatten(1).any(1).sum().item<std::int64_t>();
      EXPECT_TRUE(changed == 0 || cosine.of(c.batch.rows(0, 8), before) < 0);
      replaced += static_cast<int>(changed);
    }
    before = now;
    ++step;
  };
  run_long(std::move(list), std::move(probe));
  EXPECT_GT(replaced, 0) << "the test shows nothing";
}

TEST(Gss, WithoutMemoryIsNaive) {
  EXPECT_EQ(hash_of(listed({{"kind", "gss"}, {"memory", 0}})), hash_of({}));
  EXPECT_NE(hash_of(listed(kWhole)), hash_of({}));
}

}  // namespace
}  // namespace mneme
