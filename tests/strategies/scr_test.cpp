// Supervised contrastive replay: if these fail, other rows are drawn together than those of one class, over other views
// than it says, or something else than the nearest mean answers.
#include "mneme/strategies/scr.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "mneme/strategies/second_view.hpp"
#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

using test::listed;
using test::Rig;

Json const kConfig = {{"kind", "scr"}, {"memory", 20}, {"batch", 6}};

Scr& scr_of(StrategyList& list) { return dynamic_cast<Scr&>(*list.members()[0].strategy); }

at::Tensor longs(std::vector<std::int64_t> const& values) { return at::tensor(values, at::kLong); }

// --------------------------------------------------------------------------------------------------------------- loss

TEST(ContrastiveLoss, IsTheHandComputedOne) {
  auto const z = at::tensor({1.0, 0.0, 1.0, 0.0, 0.0, 1.0}, at::kDouble).view({3, 2});
  // Rows 0 and 1 are partners: log(e / (e + 1)) each at tau = 1. Row 2 is alone in its class and left out.
  EXPECT_NEAR(contrastive_loss(z, longs({4, 4, 9}), 1).item<double>(), std::log(1 + std::exp(-1.0)), 1e-12);
  EXPECT_NEAR(contrastive_loss(z, longs({4, 4, 9}), 0.5).item<double>(), std::log(1 + std::exp(-2.0)), 1e-12);
}

TEST(ContrastiveLoss, IsTheMeanOverPartnersWithinARow) {
  auto const z = at::tensor({1.0, 0.0, 1.0, 0.0, 0.0, 1.0}, at::kDouble).view({3, 2});
  // All of one class. Rows 0, 1: similarities 1 and 0; row 2: 0 and 0.
  double const e = std::exp(1.0), first = -(std::log(e / (e + 1)) + std::log(1 / (e + 1))) / 2;
  EXPECT_NEAR(contrastive_loss(z, longs({4, 4, 4}), 1).item<double>(), (2 * first + std::log(2.0)) / 3, 1e-12);
}

TEST(ContrastiveLoss, OfRowsWithoutPartnersIsZero) {
  auto z = at::tensor({1.0, 0.0, 0.0, 1.0}, at::kDouble).view({2, 2}).requires_grad_();
  auto const loss = contrastive_loss(z, longs({0, 1}), 0.07);
  EXPECT_EQ(loss.item<double>(), 0);
  loss.backward();
  EXPECT_EQ(z.grad().abs().max().item<double>(), 0) << "not a number";
}

TEST(ContrastiveLoss, ItsGradientDrawsPartnersTogether) {
  auto z = at::tensor({1.0, 0.0, 0.6, 0.8, 0.0, 1.0}, at::kDouble).view({3, 2}).requires_grad_();
  contrastive_loss(z, longs({4, 4, 9}), 1).backward();
  EXPECT_LT(z.grad()[0].dot(z.detach()[1]).item<double>(), z.grad()[0].dot(z.detach()[2]).item<double>())
      << "a step down moves row 0 away from its partner";
}

// -------------------------------------------------------------------------------------------------------------- views

TEST(SecondView, IsTheImageMovedByAFewPixels) {
  auto generator = at::detail::createCPUGenerator(1);
  auto const x = at::rand({200, 2, 4, 5}, generator, at::kFloat);
  auto const y = second_view(x, 1, false, generator);
  std::set<std::pair<int, int>> met;
  for (std::int64_t i = 0; i < x.size(0); ++i) {
    int found = 0;
    for (int down = -1; down <= 1; ++down)
      for (int right = -1; right <= 1; ++right) {
        auto moved = at::zeros({2, 4, 5});
        for (int r = 0; r < 4; ++r)
          for (int c = 0; c < 5; ++c)
            if (r + down >= 0 && r + down < 4 && c + right >= 0 && c + right < 5)
              moved.select(1, r).select(1, c).copy_(x[i].select(1, r + down).select(1, c + right));
        if (!at::equal(moved, y[i])) continue;
        ++found;
        met.emplace(down, right);
      }
    ASSERT_EQ(found, 1) << "view " << i << " is no shift of its image";
  }
  EXPECT_EQ(met.size(), 9U) << "some shifts never happen";
}

TEST(SecondView, MirrorsHalfOfTheImagesIfAsked) {
  auto generator = at::detail::createCPUGenerator(2);
  auto const x = at::rand({100, 1, 3, 4}, generator, at::kFloat);
  auto const y = second_view(x, 0, true, generator);
  auto const same = y.eq(x).flatten(1).all(1), mirrored = y.eq(x.flip(3)).flatten(1).all(1);
  EXPECT_TRUE(same.logical_xor(mirrored).all().item<bool>());
  EXPECT_GT(mirrored.sum().item<std::int64_t>(), 30);
  EXPECT_LT(mirrored.sum().item<std::int64_t>(), 70);
  EXPECT_TRUE(at::equal(second_view(x, 0, false, generator), x));
  auto const flat = x.flatten(1);
  EXPECT_TRUE(at::equal(second_view(flat, 2, true, generator), flat)) << "not an image";
}

// ----------------------------------------------------------------------------------------------------------- strategy

TEST(Scr, TrainsOnTwoViewsOfNewAndStoredSamples) {
  auto list = listed(kConfig);
  auto& scr = scr_of(list);
  auto own = std::make_unique<test::Scripted>();
  int steps = 0;
  own->on_observe = [&](StepContext& c) {
    std::int64_t const stored = steps == 0 ? 0 : 6, n = 8 + stored;
    ASSERT_EQ(c.batch.size(), 2 * n);
    auto const y = c.batch.y();
    EXPECT_TRUE(at::equal(y.narrow(0, 0, n), y.narrow(0, n, n))) << "a view has another label";
    EXPECT_TRUE(at::equal(c.batch.x.narrow(0, 0, 8), c.source->gather(c.rows))) << "the first view is changed";
    EXPECT_FALSE(at::equal(c.batch.x.narrow(0, 0, n), c.batch.x.narrow(0, n, n))) << "both views are the same";
    auto const memory = Dataset::to_input(scr.buffer().all().data);
    for (std::int64_t i = 8; i < n; ++i)
      EXPECT_TRUE(memory.eq(c.batch.x[i]).flatten(1).all(1).any().item<bool>()) << "row " << i << " is not stored";
    auto const h = c.output->features.detach();
    auto const expected = contrastive_loss(h / h.norm(2, 1, true).clamp_min(1e-12), y, 0.07);
    EXPECT_NEAR(scr.objective(c)->item<double>(), expected.item<double>(), 1e-4);
    ++steps;
  };
  own->on_after_step = [&](StepContext&) { EXPECT_EQ(scr.buffer().seen(), 8 * steps) << "views were stored"; };
  list.add("probe", std::move(own), 0);
  Rig rig(std::move(list));
  rig.trainer.run(toy::stream(2));
  EXPECT_EQ(steps, 20);
}

TEST(Scr, TheHeadLearnsOnlyAsAProjection) {
  for (auto const* projection : {"features", "logits"}) {
    auto config = kConfig;
    config["projection"] = projection;
    Rig rig(listed(config));
    auto const& head = rig.learner->parameters().value(rig.segment("head.weight"));
    auto const before = head.clone();
    rig.trainer.run(toy::stream(1));
    EXPECT_EQ(at::equal(head, before), std::string(projection) == "features");
  }
}

TEST(Scr, AnswersByTheNearestMeanOfTheWholeMemory) {
  auto list = listed(kConfig);
  auto& scr = scr_of(list);
  Rig rig(std::move(list));
  auto const stream = toy::stream(2);
  rig.trainer.run(stream);
  auto const unit = [&](at::Tensor const& data) {
    at::NoGradGuard const no_grad;
    auto noise = at::detail::createCPUGenerator(0);
    auto const h = rig.learner->forward(Batch(Dataset::to_input(data), at::Tensor()), {}, noise).features;
    return h / h.norm(2, 1, true).clamp_min(1e-12);
  };
  auto const rows = scr.buffer().all();
  auto const stored = unit(rows.data);
  for (std::size_t column = 0; column < 2; ++column) {
    auto const& test = stream.tasks()[column]->test;
    auto const phi = unit(test.data());
    auto distance = at::zeros({test.size(), 4});
    for (std::int64_t c = 0; c < 4; ++c) {
      auto const mean = stored.index_select(0, rows.labels.eq(c).nonzero().squeeze(1)).mean(0);
      distance.select(1, c).copy_((phi - mean / mean.norm()).norm(2, 1));
    }
    auto const accuracy = distance.argmin(1).eq(test.labels()).to(at::kDouble).mean().item<double>();
    EXPECT_NEAR(*rig.trainer.matrix().values[2][column], accuracy, 1e-9);
    EXPECT_GT(accuracy, 0.5) << "it learnt nothing";
  }
}

}  // namespace
}  // namespace mneme
