// Teachers: if these fail, a strategy distils from another net than it was told to keep.
#include "mneme/strategies/teacher.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

Json const kNormalised = {{"net", {{"kind", "resnet18"}, {"width", 2}}}};

/// What a teacher of a net with batch normalisation says in the second task, against the net as it was.
TEST(Teacher, KeepsRunningStatisticsToo) {
  auto const learner = toy::learner("classifier", kNormalised);
  Teacher teacher;
  std::unique_ptr<Learner> kept;
  double worst = 0;
  auto watch = std::make_unique<test::Scripted>();
  watch->on_end = [&](EventContext& c) {
    if (!c.first()) return;
    teacher.take(c.learner);
    kept = c.learner.snapshot();
  };
  watch->on_after_step = [&](StepContext& c) {
    if (c.first()) return;
    at::NoGradGuard const no_grad;
    auto noise = RandomStreams(0).fresh("noise");
    auto const expected = kept->forward(c.batch, {}, noise).logits;
    worst = std::max(worst, (teacher.forward(c.batch, c).logits - expected).abs().max().item<double>());
  };
  Trainer trainer(*learner, test::only(std::move(watch)), RunRecipe::toy().train, {}, 0);
  trainer.run(toy::stream(2));
  ASSERT_GT(learner->parameters().buffers().numel(), 0);
  EXPECT_FALSE(at::equal(learner->parameters().buffers(), kept->parameters().buffers())) << "nothing was tested";
  EXPECT_EQ(worst, 0);
}

TEST(Teacher, ALoadedOneIsTheSame) {
  auto const learner = toy::learner("classifier", kNormalised);
  learner->parameters().buffers().fill_(0.5);
  Teacher teacher, loaded;
  teacher.take(*learner);
  Archive saved;
  teacher.state(saved);
  Archive archive(saved.tensors(), saved.values(), "test");
  loaded.state(archive);
  Archive again;
  loaded.state(again);
  ASSERT_EQ(again.tensors().size(), 2U);
  for (auto const& [name, tensor] : saved.tensors()) EXPECT_TRUE(at::equal(again.tensors().at(name), tensor)) << name;
}

// Wrong: large weights hide the noise that drowns small ones, or the learner itself is spoilt.
TEST(Teacher, IsDisturbedByAShareOfEachSegmentsOwnDeviation) {
  auto const learner = toy::learner("classifier", {{"net", {{"kind", "mlp"}, {"hidden", {200}}}}});
  auto& arena = learner->parameters();
  arena.segments().front().of(arena.value()).mul_(100);
  auto const before = arena.value().clone();
  Teacher teacher;
  teacher.take(*learner);
  auto noise = RandomStreams(0).fresh("noise");
  teacher.disturb(arena, 0.5, noise);
  EXPECT_TRUE(at::equal(arena.value(), before));
  for (auto const& segment : arena.segments()) {
    if (segment.size < 1000) continue;
    auto const own = segment.of(before);
    auto const moved = (segment.of(teacher.values()) - own).std(false) / own.std(false);
    EXPECT_NEAR(moved.item<double>(), 0.5, 0.05) << segment.name;
  }
}

}  // namespace
}  // namespace mneme
