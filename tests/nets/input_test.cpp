// Views and normalisation of images: if these fail, a net is trained on other pictures than it should be, or measured
// on others than it was trained on.
#include "mneme/nets/input.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <set>

#include "mneme/core/errors.hpp"
#include "mneme/testing/toy.hpp"
#include "tests/io/support.hpp"
#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

at::Generator seeded(std::uint64_t seed = 1) { return at::detail::createCPUGenerator(seed); }

Input input(InputOptions const& options, Shape const& shape = {2, 3, 4}) {
  return {options, shape, at::kCPU, "learner"};
}

TEST(Input, EveryViewIsAShiftOfTheImageAndAllShiftsCome) {
  auto const one = at::arange(1, 25).to(at::kFloat).view({1, 2, 3, 4});
  auto g = seeded();
  auto const views = input({.crop = 1, .flip = true}).view(one.expand({200, 2, 3, 4}).contiguous(), g);
  std::set<std::tuple<std::int64_t, std::int64_t, bool>> seen;
  for (std::int64_t n = 0; n < 200; ++n) {
    int matches = 0;
    for (bool const mirrored : {false, true})
      for (std::int64_t dy = -1; dy <= 1; ++dy)
        for (std::int64_t dx = -1; dx <= 1; ++dx) {
          auto expected = at::zeros({2, 3, 4});  // pixel (y, x) shows (y + dy, x + dx), or nothing from outside
          for (std::int64_t y = 0; y < 3; ++y)
            for (std::int64_t x = 0; x < 4; ++x) {
              auto const from_y = y + dy, from_x = (mirrored ? 3 - x : x) + dx;
              if (from_y < 0 || from_y >= 3 || from_x < 0 || from_x >= 4) continue;
              for (std::int64_t c = 0; c < 2; ++c) expected[c][y][x] = one[0][c][from_y][from_x];
            }
          if (!at::equal(views[n], expected)) continue;
          ++matches;
          seen.emplace(dy, dx, mirrored);
        }
    ASSERT_EQ(matches, 1) << "row " << n << " is no shift of the image: " << views[n];
  }
  EXPECT_EQ(seen.size(), 18U);
}

TEST(Input, AFlipAloneMirrorsAboutHalfOfTheRows) {
  auto g = seeded();
  auto const x = at::rand({400, 1, 3, 5}, g, at::kFloat);
  auto const views = input({.flip = true}, {1, 3, 5}).view(x, g);
  int mirrored = 0;
  for (std::int64_t n = 0; n < 400; ++n) {
    bool const flipped = at::equal(views[n], x[n].flip(2));
    EXPECT_TRUE(flipped || at::equal(views[n], x[n]));
    mirrored += flipped ? 1 : 0;
  }
  EXPECT_NEAR(mirrored, 200, 50);  // five standard deviations
}

TEST(Input, NormalisesByChannel) {
  auto const x = at::stack({at::full({1, 1}, 0.5), at::full({1, 1}, 0.9)}).unsqueeze(0);
  auto const both = input({.mean = {0.4, 0.5}, .deviation = {0.2, 0.8}}, {2, 1, 1});
  EXPECT_TRUE(at::allclose(both.normalise(x).flatten(), at::tensor({0.5F, 0.5F})));
  auto const mean = input({.mean = {0.4, 0.5}}, {2, 1, 1});
  EXPECT_TRUE(at::allclose(mean.normalise(x).flatten(), at::tensor({0.1F, 0.4F})));
  auto g = seeded();
  EXPECT_TRUE(at::equal(both.view(x, g), x)) << "a view is of the pixels; the net normalises it";
}

TEST(Input, RefusesWhatDoesNotFit) {
  EXPECT_THROW(input({.crop = 1}, {10}), ConfigError);
  EXPECT_THROW(input({.mean = {0.5}}, {3, 4, 4}), ConfigError);
  EXPECT_NO_THROW(input({}, {10}));
  EXPECT_THROW(static_cast<void>(toy::learner("classifier", {{"std", {0.0}}})), ConfigError);
}

// ----------------------------------------------------------------------------------------------------------- in a run

Json const kViews = {{"crop", 2}, {"flip", true}};

/// What a step trained on, next to the samples as they are.
struct Seen {
  at::Tensor x, source;
};

std::vector<Seen> watch(Json const& learner_options, Json const& strategy = "naive") {
  auto const learner = toy::learner("classifier", learner_options);
  std::vector<Seen> seen;
  auto watcher = std::make_unique<test::Scripted>();
  watcher->on_after_step = [&](StepContext& c) { seen.push_back({c.batch.x, c.source->gather(c.rows)}); };
  auto strategies = test::listed(strategy);
  strategies.add("watcher", std::move(watcher), 0);
  Trainer trainer(*learner, std::move(strategies), RunRecipe::toy().train, {}, 0);
  trainer.run(toy::stream(2));
  return seen;
}

TEST(Views, AreOfTheStepsOwnSamplesAndNewEachTime) {
  auto const seen = watch(kViews), plain = watch(Json::object());
  ASSERT_EQ(seen.size(), plain.size());
  bool differ = false;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    EXPECT_TRUE(at::equal(plain[i].x, plain[i].source));
    EXPECT_TRUE(at::equal(seen[i].source, plain[i].source)) << "views changed the order of the data";
    differ |= !at::equal(seen[i].x, seen[i].source);
  }
  EXPECT_TRUE(differ);
}

TEST(Views, AreTakenAnewOfWhatABufferHoldsAsItIs) {
  Json options = {{"kind", "er"}, {"memory", 1}, {"batch", 24}};  // one sample, seen 24 times in a step
  auto const learner = toy::learner("classifier", kViews);
  std::vector<at::Tensor> replayed_rows;
  auto watcher = std::make_unique<test::Scripted>();
  watcher->on_after_step = [&](StepContext& c) {
    if (c.batch.parts.size() > 1) replayed_rows.push_back(c.batch.x.narrow(0, c.batch.parts[1].first, 24));
  };
  auto strategies = test::listed(options);
  strategies.add("watcher", std::move(watcher), 0);
  Trainer trainer(*learner, std::move(strategies), RunRecipe::toy().train, {}, 0);
  auto const stream = toy::stream(2);
  trainer.run(stream);
  ASSERT_FALSE(replayed_rows.empty());
  auto const distinct = std::get<0>(at::unique_dim(replayed_rows.front(), 0)).size(0);
  EXPECT_GT(distinct, 3) << "replayed rows are seen once and for all";
  Archive archive;
  trainer.strategies().members().front().strategy->state(archive);
  auto const& stored = archive.tensors().at("data");
  bool found = false;
  for (auto const* task : stream.tasks())
    for (std::int64_t i = 0; i < task->train.size(); ++i) found |= at::equal(task->train.data()[i], stored[0]);
  EXPECT_TRUE(found) << "the buffer holds a view instead of the sample";
}

TEST(Views, LeaveEvaluationImportanceAndTeachersAlone) {
  auto const learner = toy::learner("classifier", kViews), plain = toy::learner("classifier");
  plain->parameters().value().copy_(learner->parameters().value());
  auto const data = toy::images("toy-0", 20);
  StrategyList none;
  EXPECT_EQ(evaluate(*learner, none, {.data = data}, RandomStreams(0), 7),
            evaluate(*plain, none, {.data = data}, RandomStreams(0), 7));
  auto noise = seeded();
  Batch const batch(data.slice(0, 20), data.labels());
  EXPECT_TRUE(
      at::equal(learner->snapshot()->forward(batch, {}, noise).logits, plain->forward(batch, {}, noise).logits));
}

TEST(Normalisation, IsAPartOfEveryPass) {
  auto const options = [](bool on) { return on ? Json{{"mean", {0.25}}, {"std", {0.5}}} : Json::object(); };
  auto const learner = toy::learner("classifier", options(true)), plain = toy::learner("classifier", options(false));
  auto const data = toy::images("toy-0", 20);
  auto noise = seeded();
  for (bool const training : {true, false}) {
    ForwardContext const context{.training = training, .gates = nullptr};
    auto const x = data.slice(0, 20);
    auto const own = learner->forward(Batch(x, data.labels()), context, noise).logits;
    auto const expected = plain->forward(Batch((x - 0.25) / 0.5, data.labels()), context, noise).logits;
    EXPECT_TRUE(at::allclose(own, expected, 1e-5, 1e-5));
    EXPECT_TRUE(at::equal(learner->snapshot()->forward(Batch(x, data.labels()), context, noise).logits, own));
  }
}

TEST(Views, AreTheSameInARunThatWasStopped) {
  auto recipe = RunRecipe::toy();
  recipe.learner = [](std::uint64_t seed) {
    return toy::learner("classifier", {{"crop", 2}, {"flip", true}, {"mean", {0.4}}, {"std", {0.3}}}, seed);
  };
  recipe.strategies = [](std::uint64_t seed) {
    return StrategyList({{{"kind", "er"}, {"memory", 12}}, {{"kind", "der"}, {"memory", 12}}}, "strategy", seed);
  };
  test::TemporaryFolder const folder;
  auto const whole = run_whole(recipe, 3, folder.path() / "whole");
  for (std::int64_t step = 1; step <= whole.steps; step += 3)
    for (auto const kind : {Interruption::kAsked, Interruption::kCrash})
      EXPECT_EQ(whole, run_interrupted(recipe, 3, folder.path() / (std::to_string(step) + std::to_string(int(kind))),
                                       step, kind))
          << step;
}

}  // namespace
}  // namespace mneme
