// BiC: if these fail, the correction is fitted to something else, the held-out samples were trained on, or old outputs
// are distilled with another weight or from another teacher.
#include "mneme/strategies/bic.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

using test::listed;
using test::Rig;

Bic& bic_of(StrategyList& list) { return dynamic_cast<Bic&>(*list.members()[0].strategy); }

at::Tensor mask(std::vector<std::int64_t> const& bits) { return at::tensor(bits, at::kLong).to(at::kBool); }

at::Tensor logits_of(Learner& learner, at::Tensor const& x) {
  at::NoGradGuard const no_grad;
  auto noise = at::detail::createCPUGenerator(0);
  return learner.forward(Batch(x, at::Tensor()), {}, noise).logits;
}

/// Three events of the classes {0, 1}, {2} and {3}.
Stream three_events() {
  auto stream = toy::split_stream(false);
  auto const second = *stream.tasks()[1];
  auto const part = [&](std::int64_t label, std::int64_t id) {
    auto const own = [&](Dataset const& data) { return data.select(data.labels().eq(label).nonzero().squeeze(1)); };
    return Task{.name = "only-" + std::to_string(label),
                .id = id,
                .train = own(second.train),
                .test = own(second.test),
                .classes = {label}};
  };
  stream.events.pop_back();
  stream.events.emplace_back(part(2, 1));
  stream.events.emplace_back(part(3, 2));
  return stream;
}

// ------------------------------------------------------------------------------------------------------- correction

TEST(FitBias, IsTheHandComputedMinimum) {
  // Every sample has outputs (0, 2), the second is corrected, and one label in four is the second: the best is a 2 + b
  // = log(1/3). Among those (a, b) a tiny ridge takes the nearest to (1, 0): (a - 1, b) = t (2, 1), 5 t + 2 = -log 3.
  auto const logits = at::tensor({0.0F, 2.0F}).expand({4, 2});
  auto const fit = fit_bias(logits, at::tensor({0, 1, 0, 0}, at::kLong), mask({0, 1}), 1e-8);
  double const t = (-std::log(3.0) - 2) / 5;
  EXPECT_NEAR(fit.a, 1 + 2 * t, 1e-6);
  EXPECT_NEAR(fit.b, t, 1e-6);
}

double objective(at::Tensor const& logits, at::Tensor const& labels, ScaleAndShift v, double ridge) {
  double sum = 0;
  auto const n = logits.size(0);
  for (std::int64_t i = 0; i < n; ++i) {
    double total = 0, own = 0;
    for (std::int64_t k = 0; k < 4; ++k) {
      double const z = logits[i][k].item<double>(), corrected = k < 2 ? z : v.a * z + v.b;
      total += std::exp(corrected);
      if (labels[i].item<std::int64_t>() == k) own = corrected;
    }
    sum += std::log(total) - own;
  }
  return sum / static_cast<double>(n) + ridge / 2 * ((v.a - 1) * (v.a - 1) + v.b * v.b);
}

TEST(FitBias, NoNeighbourIsBetter) {
  auto generator = at::detail::createCPUGenerator(4);
  auto const logits = at::empty({40, 4}, at::kDouble).normal_(0, 2, generator);
  auto const labels = at::randint(4, {40}, generator, at::kLong);
  auto const corrected = mask({0, 0, 1, 1});
  constexpr double kRidge = 0.01, kStep = 1e-4;
  auto const fit = fit_bias(logits, labels, corrected, kRidge);
  double const here = objective(logits, labels, fit, kRidge);
  for (double const da : {-kStep, 0.0, kStep})
    for (double const db : {-kStep, 0.0, kStep})
      EXPECT_LE(here, objective(logits, labels, {.a = fit.a + da, .b = fit.b + db}, kRidge) + 1e-12);
  EXPECT_LT(here, objective(logits, labels, {}, kRidge));
}

TEST(FitBias, StaysFiniteWhereTheSamplesCanBeSeparated) {
  auto const logits = at::tensor({0.0F, 3.0F, 0.0F, 1.0F}).view({2, 2});
  auto const fit = fit_bias(logits, at::tensor({1, 0}, at::kLong), mask({0, 1}), 0.01);
  EXPECT_GT(3 * fit.a + fit.b, 0);
  EXPECT_LT(fit.a + fit.b, 0);
  EXPECT_LT(fit.a, 20);
}

TEST(BiasCorrection, ScalesAndShiftsItsClassesAlone) {
  BiasCorrection const correction({1, 3}, {.a = 2, .b = -1});
  auto const z = at::tensor({1.0F, 2.0F, 3.0F, 4.0F}).unsqueeze(0);
  EXPECT_TRUE(at::equal(correction.apply(z), at::tensor({1.0F, 3.0F, 3.0F, 7.0F}).unsqueeze(0)));
  EXPECT_FALSE(BiasCorrection().apply(z).defined());
}

// ---------------------------------------------------------------------------------------------------------- training

TEST(Bic, TheLossIsOldSharesOfDistillationFromTheCorrectedTeacher) {
  auto list = listed({{"kind", "bic"}, {"memory", 24}});
  auto& bic = bic_of(list);
  auto own = std::make_unique<test::Scripted>();
  std::unique_ptr<Learner> teacher;
  ScaleAndShift former;
  int distilled = 0;
  own->on_end = [&](EventContext& c) {
    teacher = c.learner.snapshot();
    former = bic.correction().values();
  };
  own->on_observe = [&](StepContext& c) {
    auto const loss = bic.objective(c);
    if (c.first()) {
      EXPECT_FALSE(loss) << "there is nothing old to distil";
      return;
    }
    auto const old = static_cast<std::int64_t>(c.index == 1 ? 2 : 3);
    auto z_old = logits_of(*teacher, c.batch.x).to(at::kDouble);
    if (c.index == 2) {
      EXPECT_NE(former.a, 1);
      z_old.select(1, 2).mul_(former.a).add_(former.b);  // class 2 was new then
    }
    auto const z = c.output->logits.detach().to(at::kDouble);
    auto const n = z.size(0);
    double kd = 0, ce = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      auto const at = [&](at::Tensor const& t, std::int64_t k) { return t[i][k].item<double>(); };
      double p_sum = 0, q_sum = 0, all = 0;
      for (std::int64_t k = 0; k < 4; ++k) all += std::exp(at(z, k));
      for (std::int64_t k = 0; k < old; ++k) {
        p_sum += std::exp(at(z, k) / 2);
        q_sum += std::exp(at(z_old, k) / 2);
      }
      for (std::int64_t k = 0; k < old; ++k)
        kd -= std::exp(at(z_old, k) / 2) / q_sum * (at(z, k) / 2 - std::log(p_sum));
      ce += std::log(all) - at(z, c.batch.y()[i].item<std::int64_t>());
    }
    double const lambda = c.index == 1 ? 2.0 / 3 : 3.0 / 4;
    EXPECT_NEAR(loss->item<double>(), (lambda * kd + (1 - lambda) * ce) / static_cast<double>(n), 1e-5)
        << "event " << c.index;
    ++distilled;
  };
  list.add("probe", std::move(own), 0);
  Rig rig(std::move(list));
  rig.trainer.run(three_events());
  EXPECT_GT(distilled, 10);
}

/// Whether row i of x is one of the stored samples.
at::Tensor among(at::Tensor const& x, Rows const& stored) {
  auto const flat = Dataset::to_input(stored.data).flatten(1);
  return x.flatten(1).unsqueeze(1).eq(flat.unsqueeze(0)).all(2).any(1);
}

TEST(Bic, HeldOutSamplesAreBalancedAndNeverTrainedOn) {
  auto list = listed({{"kind", "bic"}, {"memory", 24}, {"held_out", 0.3}});
  auto& bic = bic_of(list);
  auto own = std::make_unique<test::Scripted>();
  int old_rows = 0;
  own->on_observe = [&](StepContext& c) {
    EXPECT_FALSE(among(c.batch.x, bic.held_out().all()).any().item<bool>()) << "event " << c.index;
    EXPECT_EQ(c.source->size(), std::vector<std::int64_t>({32, 33, 33})[static_cast<std::size_t>(c.index)]);
    if (c.index == 2) old_rows += static_cast<int>(c.batch.y().lt(3).sum().item<std::int64_t>());
  };
  own->on_end = [&](EventContext& c) {
    auto const classes = static_cast<std::int64_t>(c.index + 2), share = 24 / classes;  // 12, 8, 6
    std::int64_t const held = c.index == 0 ? 4 : c.index == 1 ? 3 : 2;                  // ceil of 3.6, 2.4, 1.8
    for (std::int64_t label = 0; label < classes; ++label) {
      EXPECT_EQ(bic.held_out().of_class(label).size(), held) << "class " << label;
      EXPECT_EQ(bic.exemplars().of_class(label).size(), share - held) << "class " << label;
    }
    EXPECT_FALSE(among(Dataset::to_input(bic.exemplars().all().data), bic.held_out().all()).any().item<bool>());
  };
  list.add("probe", std::move(own), 0);
  Rig rig(std::move(list));
  rig.trainer.run(three_events());
  EXPECT_EQ(old_rows, 2 * 3 * 5) << "five exemplars of each of three old classes, once an epoch";
}

// Wrong: with room for more than there is nearly all of a class is held out, and the net is trained on what is left.
TEST(Bic, HoldsOutNoMoreThanItsShareOfAClass) {
  auto list = test::listed({{"kind", "bic"}, {"memory", 2000}, {"held_out", 0.1}});
  auto const& bic = dynamic_cast<Bic&>(*list.members().front().strategy);
  Rig rig(std::move(list));
  auto const stream = toy::split_stream(false);
  rig.trainer.expect(stream);
  auto const& task = *stream.tasks()[0];
  rig.trainer.learn(task);
  for (auto const label : task.classes) {
    auto const there = task.train.labels().eq(label).sum().item<std::int64_t>();
    EXPECT_EQ(bic.held_out().of_class(label).size(), (there + 9) / 10) << there << " samples of class " << label;
  }
}

TEST(Bic, TheNewestClassesAreCorrectedInAnswers) {
  auto list = listed({{"kind", "bic"}, {"memory", 24}});
  auto& bic = bic_of(list);
  Rig rig(std::move(list));
  auto const stream = toy::split_stream(false);
  rig.trainer.expect(stream);
  rig.trainer.learn(*stream.tasks()[0]);
  EXPECT_EQ(bic.correction().values().a, 1) << "there is nothing to correct yet";
  rig.trainer.learn(*stream.tasks()[1]);
  auto const [a, b] = bic.correction().values();
  EXPECT_NE(a, 1);

  // What the fit minimises, over the held-out samples: better than without a correction.
  auto const held = bic.held_out().all();
  auto const z_held = logits_of(*rig.learner, Dataset::to_input(held.data));
  EXPECT_EQ(held.size(), 4);
  EXPECT_LT(objective(z_held, held.labels, {a, b}, 0.01), objective(z_held, held.labels, {}, 0.01));
  for (double const step : {-1e-3, 1e-3}) {
    EXPECT_LE(objective(z_held, held.labels, {a, b}, 0.01), objective(z_held, held.labels, {a + step, b}, 0.01));
    EXPECT_LE(objective(z_held, held.labels, {a, b}, 0.01), objective(z_held, held.labels, {a, b + step}, 0.01));
  }

  for (std::size_t column = 0; column < 2; ++column) {
    auto const& test = stream.tasks()[column]->test;
    auto z = logits_of(*rig.learner, Dataset::to_input(test.data()));
    z.narrow(1, 2, 2).mul_(a).add_(b);
    EXPECT_NEAR(*rig.trainer.matrix().values[2][column],
                z.argmax(1).eq(test.labels()).to(at::kDouble).mean().item<double>(), 1e-9);
  }
}

TEST(Bic, ALambdaIsTakenAsItIs) {
  auto const hash = [](double lambda) {
    Rig rig(listed({{"kind", "bic"}, {"memory", 24}, {"lambda", lambda}}));
    rig.trainer.run(toy::split_stream(false));
    return rig.trainer.training_hash();
  };
  EXPECT_EQ(hash(-1), hash(0.5)) << "two old classes of four";
  EXPECT_NE(hash(-1), hash(0.9));
}

}  // namespace
}  // namespace mneme
