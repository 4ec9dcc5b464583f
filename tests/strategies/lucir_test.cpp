// LUCIR: if these fail, features, margins or the weights of old and new classes are held to something else than the
// equation says.
#include "mneme/strategies/lucir.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "mneme/testing/conformance.hpp"
#include "tests/io/support.hpp"
#include "tests/nets/oracle.hpp"
#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

using test::listed;

Json const kCosine = {{"net", {{"kind", "mlp"}, {"hidden", {8}}, {"output", "cosine"}}}};

at::Tensor bits(std::vector<std::int64_t> const& values) { return at::tensor(values, at::kLong).to(at::kBool); }

/// A run on two tasks of two classes each, with a cosine output layer.
struct CosineRig {
  explicit CosineRig(StrategyList strategies, TrainOptions const& options = RunRecipe::toy().train)
      : learner(toy::learner("classifier", kCosine)), trainer(*learner, std::move(strategies), options, {}, 0) {}
  [[nodiscard]] at::Tensor weight() const {
    return learner->parameters().value(learner->parameters().find("head.weight"));
  }
  void run() { trainer.run(toy::split_stream(false)); }

  std::unique_ptr<Learner> learner;
  Trainer trainer;
};

TEST(MarginRanking, IsHandComputed) {
  // Classes 0 and 1 are old, 2 to 4 new. The first sample, of class 0, has its hardest new classes at 0.6 and 0.2:
  // 0.5 - 0.4 + 0.6 = 0.7 and 0.5 - 0.4 + 0.2 = 0.3. The second, of class 1, has 0.9 and needs nothing at -0.3 and is
  // 0.1 short at 0.5. The third is of a new class.
  auto const cosines =
      at::tensor({0.4, 0.0, 0.2, 0.6, -1.0, 0.0, 0.9, -0.3, -0.5, 0.5, 1.0, 1.0, 0.0, 0.0, 0.0}, at::kDouble)
          .view({3, 5});
  auto const labels = at::tensor({0, 1, 3}, at::kLong);
  auto const old = bits({1, 1, 0, 0, 0}), fresh = bits({0, 0, 1, 1, 1});
  EXPECT_NEAR(margin_ranking(cosines, labels, old, fresh, 2, 0.5).item<double>(), (0.7 + 0.3 + 0.1 + 0) / 4, 1e-12);
  EXPECT_NEAR(margin_ranking(cosines, labels, old, fresh, 1, 0.5).item<double>(), (0.7 + 0.1) / 2, 1e-12);
  EXPECT_EQ(margin_ranking(cosines, at::full({3}, 2, at::kLong), old, fresh, 2, 0.5).item<double>(), 0);
}

TEST(Lucir, NeedsACosineOutputLayerAndSaysHowToGetIt) {
  test::Rig rig(listed("lucir"));
  auto const message = message_of<ConfigError>([&] { rig.trainer.run(toy::split_stream(false)); });
  test::expect_mentions(message, {"lucir", "output", "cosine"});
}

/// The second event's steps, with what the net was before it.
struct Watched {
  explicit Watched(Json const& config, std::function<void(StepContext&, Lucir&, Learner&)> const& see) {
    auto list = listed(config);
    auto* lucir = dynamic_cast<Lucir*>(list.members()[0].strategy.get());
    auto probe = std::make_unique<test::Scripted>();
    probe->on_begin = [this](EventContext& c) {
      // The strategy has begun the event already: it has imprinted the new classes, and nothing else has changed.
      if (!c.first()) before = c.learner.snapshot();
    };
    probe->on_observe = [this, see, lucir](StepContext& c) {
      if (!c.first()) see(c, *lucir, *before);
    };
    list.add("probe", std::move(probe), 0);
    rig = std::make_unique<CosineRig>(std::move(list));
    rig->run();
  }
  std::unique_ptr<Learner> before;
  std::unique_ptr<CosineRig> rig;
};

TEST(Lucir, AddsTheTwoTermsOfTheEquation) {
  Json const config = {{"kind", "lucir"}, {"exemplars", 6}, {"lambda", 3.0}, {"margin_weight", 2.0}, {"hardest", 1}};
  int steps = 0, with_old = 0;
  Watched const watched(config, [&](StepContext& c, Lucir& lucir, Learner& before) {
    ++steps;
    at::NoGradGuard const no_grad;
    auto noise = at::detail::createCPUGenerator(0);
    auto const was = before.forward(c.batch, {.training = false, .gates = nullptr}, noise).features;
    auto const& now = c.output->features;
    double features = 0, margins = 0;
    int old = 0;
    auto const cosines = c.output->more.at("cosines");
    for (std::int64_t i = 0; i < c.batch.size(); ++i) {
      features += 1 - at::cosine_similarity(now[i], was[i], 0).item<double>();
      auto const y = c.batch.y()[i].item<std::int64_t>();
      if (y >= 2) continue;
      ++old;
      auto const hardest = std::max(cosines[i][2].item<double>(), cosines[i][3].item<double>());
      margins += std::max(0.0, 0.5 - cosines[i][y].item<double>() + hardest);
    }
    with_old += old > 0 ? 1 : 0;
    // As many old as new classes: lambda_t = lambda.
    auto const expected = 3.0 * features / static_cast<double>(c.batch.size()) + 2.0 * margins / std::max(1, old);
    EXPECT_NEAR(lucir.penalty(c)->item<double>(), expected, 1e-4);
  });
  EXPECT_EQ(steps, 14) << "two epochs of 40 + 12 samples in batches of 8";
  EXPECT_GT(with_old, 0);
}

TEST(Lucir, WeightsOfOldClassesStayBitEqualUnderMomentumAndDecay) {
  for (double const lambda : {5.0, 0.0}) {
    auto options = RunRecipe::toy().train;
    options.optimizer = {.optimizer = "sgd", .learning_rate = 0.05};
    options.optimizer.momentum = 0.9;
    options.optimizer.weight_decay = 0.1;
    CosineRig rig(listed({{"kind", "lucir"}, {"exemplars", 6}, {"lambda", lambda}}), options);
    auto const stream = toy::split_stream(false);
    rig.trainer.learn(*stream.tasks()[0]);
    auto const before = rig.weight().clone();
    rig.trainer.learn(*stream.tasks()[1]);
    EXPECT_EQ(at::equal(rig.weight().narrow(0, 0, 2), before.narrow(0, 0, 2)), lambda > 0) << lambda;
    EXPECT_FALSE(at::equal(rig.weight().narrow(0, 2, 2), before.narrow(0, 2, 2)));
  }
}

TEST(Lucir, ImprintsNewClassesAtTheirMeanFeatures) {
  auto list = listed({{"kind", "lucir"}, {"exemplars", 6}});
  auto probe = std::make_unique<test::Scripted>();
  CosineRig* own = nullptr;
  int looked = 0;
  probe->on_begin = [&](EventContext& c) {
    if (c.first()) return;
    ++looked;
    at::NoGradGuard const no_grad;
    auto noise = at::detail::createCPUGenerator(0);
    auto const weight = own->weight();
    auto const norm = (weight[0].norm() + weight[1].norm()) / 2;
    for (std::int64_t label : {2, 3}) {
      Batch const batch(c.data, c.data.labels().eq(label).nonzero().squeeze(1), 0, {});
      auto const h = c.learner.forward(batch, {.training = false, .gates = nullptr}, noise).features;
      auto const mean = (h / h.norm(2, {1}, true).clamp_min(1e-12)).mean(0);
      EXPECT_LT(relative_error(weight[label], mean / mean.norm() * norm), 1e-5) << label;
    }
  };
  list.add("probe", std::move(probe), 0);
  CosineRig rig(std::move(list));
  own = &rig;
  rig.run();
  EXPECT_EQ(looked, 1);
}

/// Else the class gets weights of zeros, whose scores have no gradient: it is never learnt.
TEST(Lucir, NewClassesWithoutSamplesKeepTheWeightsThatTheyHad) {
  auto stream = toy::split_stream(false);
  auto& second = std::get<Task>(stream.events[1]);
  second.train = second.train.select(second.train.labels().eq(2).nonzero().squeeze(1));
  auto list = listed({{"kind", "lucir"}, {"exemplars", 6}});
  auto probe = std::make_unique<test::Scripted>();
  CosineRig* own = nullptr;
  at::Tensor before;
  int looked = 0;
  probe->on_end = [&](EventContext&) { before = own->weight().clone(); };
  probe->on_begin = [&](EventContext& c) {
    if (c.first()) return;
    ++looked;
    EXPECT_TRUE(at::equal(own->weight()[3], before[3]));
    EXPECT_FALSE(at::equal(own->weight()[2], before[2])) << "nothing was imprinted: the test shows nothing";
  };
  list.add("probe", std::move(probe), 0);
  CosineRig rig(std::move(list));
  own = &rig;
  rig.trainer.run(stream);
  EXPECT_EQ(looked, 1);
  EXPECT_TRUE(at::isfinite(rig.learner->parameters().value()).all().item<bool>());
}

TEST(Lucir, StoresSoManySamplesOfEachClass) {
  CosineRig rig(listed({{"kind", "lucir"}, {"exemplars", 6}}));
  rig.run();
  auto const& lucir = dynamic_cast<Lucir const&>(*rig.trainer.strategies().members()[0].strategy);
  EXPECT_EQ(lucir.exemplars().size(), 24);
  for (std::int64_t c = 0; c < 4; ++c) EXPECT_EQ(lucir.exemplars().of_class(c).size(), 6);
}

TEST(Lucir, HoldsThePromisesWhereClassesAreNew) {
  auto recipe = RunRecipe::toy();
  recipe.learner = [](std::uint64_t seed) { return toy::learner("classifier", kCosine, seed); };
  recipe.stream = toy::split_stream(false);
  recipe.strategies = [](std::uint64_t seed) {
    return StrategyList(Json{{"kind", "lucir"}, {"exemplars", 6}}, "strategy", seed);
  };
  test::TemporaryFolder const scratch;
  for (auto const& fault : check_conformance(recipe, scratch.path())) ADD_FAILURE() << fault;
}

}  // namespace
}  // namespace mneme
