// Lifelong training of a model of domains: if these fail, it replays domains that it never met, with labels that are
// not what was drawn, or keeps images of the past.
#include <gtest/gtest.h>
#include <torch/types.h>

#include <set>
#include <string>

#include "mneme/core/seed.hpp"
#include "mneme/learners/recalls.hpp"
#include "tests/io/support.hpp"
#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

void watch(Json const& config, std::function<void(StepContext&)> const& at_step,
           std::function<void(EventContext&, Trainer&)> const& at_end) {
  auto list = test::listed(config);
  auto probe = std::make_unique<test::Scripted>();
  Trainer* trainer = nullptr;
  probe->on_after_step = at_step;
  probe->on_end = [&](EventContext& c) { at_end(c, *trainer); };
  list.add("probe", std::move(probe), 0);
  test::Rig rig(std::move(list), RunRecipe::toy().train, "lgaa");
  trainer = &rig.trainer;
  rig.trainer.run(toy::stream(3));
}

TEST(LifelongReplay, DomainsAndLabelsAreThoseThatTheOldModelDrewOverThreeTasks) {
  std::unique_ptr<Learner> past;
  at::Generator stream;
  std::map<std::int64_t, std::set<std::int64_t>> domains;
  watch(
      {{"kind", "self-replay"}, {"weights", "rows"}},
      [&](StepContext& c) {
        auto const own = at::full({8}, c.index, at::kLong);
        if (c.first()) {
          EXPECT_EQ(c.batch.size(), 8);
          EXPECT_TRUE(at::equal(c.batch.task(), own));
          return;
        }
        ASSERT_EQ(c.batch.size(), 16) << "as many as are new";
        EXPECT_FALSE(c.batch.weight.defined()) << "each row the same";
        auto const expected = dynamic_cast<Recalls&>(*past).recall(8, stream);
        EXPECT_TRUE(at::equal(c.batch.x.narrow(0, 8, 8), expected.x)) << "another model drew them";
        EXPECT_TRUE(at::equal(c.batch.y().narrow(0, 8, 8), expected.labels));
        EXPECT_TRUE(at::equal(c.batch.task().narrow(0, 8, 8), expected.domains));
        EXPECT_TRUE(at::equal(c.batch.task().narrow(0, 0, 8), own));
        for (std::int64_t i = 0; i < 8; ++i) domains[c.index].insert(expected.domains[i].item<std::int64_t>());
      },
      [&](EventContext& c, Trainer&) {
        past = c.learner.snapshot();
        if (c.first()) stream = RandomStreams(stream_seed(0, "strategy/self-replay")).fresh("replay");
      });
  EXPECT_EQ(domains[1], (std::set<std::int64_t>{0}));
  EXPECT_EQ(domains[2], (std::set<std::int64_t>{0, 1}));
}

// Rows of every tensor that a checkpoint would hold, as bytes, against all images of the tasks that are over.
TEST(LifelongReplay, NothingThatIsKeptHoldsAnImageOfTheTasksBefore) {
  std::int64_t compared = 0;
  watch(
      {{"kind", "self-replay"}}, [](StepContext&) {},
      [&](EventContext& c, Trainer& trainer) {
        Archive archive;
        trainer.state(archive);
        std::set<std::string> images;
        constexpr std::int64_t kPixels = toy::kSide * toy::kSide;
        auto const remember = [&](at::Tensor const& rows) {
          auto const flat = rows.reshape({-1, kPixels}).contiguous();
          for (std::int64_t i = 0; i < flat.size(0); ++i) {
            auto const row = flat[i];
            images.emplace(static_cast<char const*>(row.const_data_ptr()), row.nbytes());
          }
        };
        for (std::int64_t t = 0; t <= c.index; ++t) {
          auto const data = toy::task("toy-" + std::to_string(t), t).train;
          remember(data.data());
          remember(Dataset::to_input(data.data()));
        }
        for (auto const& [name, tensor] : archive.tensors()) {
          if (tensor.numel() < kPixels) continue;
          auto const row = tensor.flatten().contiguous();
          auto const* bytes = static_cast<char const*>(row.const_data_ptr());
          auto const size = static_cast<std::size_t>(row.element_size());
          for (std::size_t at = 0; at + kPixels * size <= row.nbytes(); at += size, ++compared)
            ASSERT_FALSE(images.contains(std::string(bytes + at, kPixels * size))) << name;
        }
      });
  EXPECT_GT(compared, 1000);
}

struct Crash {};

/// lgaa with self-replay, and a probe that throws once before the optimizer of a phase, at a step from 0, if armed.
RunRecipe crashing_recipe(std::string const& schedule, std::string const& phase, std::int64_t step,
                          std::shared_ptr<bool> const& armed) {
  auto recipe = RunRecipe::toy("lgaa");
  recipe.learner = [schedule](std::uint64_t seed) {
    return toy::learner("lgaa", {{"phase_schedule", schedule}}, seed);
  };
  recipe.strategies = [=](std::uint64_t seed) {
    auto list = test::listed({{"kind", "self-replay"}, {"weights", "rows"}}, seed);
    auto probe = std::make_unique<test::Scripted>();
    probe->on_observe = [=](StepContext& c) {
      if (*armed && c.step == step && c.phase->name == phase) throw Crash{};
    };
    list.add("probe", std::move(probe), seed);
    return list;
  };
  return recipe;
}

// Wrong: what a step has changed before it dies (running statistics, the count of what was met, random numbers) is kept
// and happens twice. Step 12 is in the second task, whose first epoch is steps 10 to 14.
TEST(LifelongReplay, AProcessThatDiesWithinAnyPhaseGoesOnToTheSameBits) {
  for (std::string const schedule : {"interleaved", "alternating"}) {
    auto const armed = std::make_shared<bool>(false);
    test::TemporaryFolder const whole;
    auto const expected = run_whole(crashing_recipe(schedule, "", -1, armed), 3, whole.path());
    ASSERT_EQ(expected.steps, 20);
    for (std::string const phase : {"critic", "generator", "inference"}) {
      std::int64_t const step = schedule == "alternating" && phase == "inference" ? 17 : 12;
      test::TemporaryFolder const folder;
      auto const recipe = crashing_recipe(schedule, phase, step, armed);
      *armed = true;
      EXPECT_THROW(static_cast<void>(run_interrupted(recipe, 3, folder.path(), 20, Interruption::kCrash)), Crash)
          << phase << " is not trained in that epoch";
      *armed = false;
      auto const found = run_interrupted(recipe, 3, folder.path(), 20, Interruption::kAsked);
      EXPECT_EQ(found.training_hash, expected.training_hash) << schedule << ", " << phase;
      EXPECT_EQ(found.matrix, expected.matrix) << schedule << ", " << phase;
    }
  }
}

}  // namespace
}  // namespace mneme
