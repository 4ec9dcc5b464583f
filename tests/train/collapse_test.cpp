// Training that has failed: if these fail, a run goes on for hours with a generator that draws one image, or ends
// without saying where it was still sound.
#include <gtest/gtest.h>
#include <torch/types.h>

#include "mneme/learners/recalls.hpp"
#include "tests/io/support.hpp"
#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

/// The message of a run over two toy tasks, or nothing where it ends well. Checkpoints after every step.
std::string failure_of(Json const& options, std::filesystem::path const& folder, StrategyList strategies = {}) {
  auto const learner = toy::learner("lgaa", options);
  Trainer trainer(*learner, std::move(strategies), RunRecipe::toy().train, {}, 0);
  RunFiles files(folder, 0);
  trainer.attach(&files);
  try {
    trainer.run(toy::stream(2));
  } catch (NumericError const& e) {
    return e.what();
  }
  return "";
}

// No image of a toy model differs a million times as much as real ones, so that every line counts.
TEST(Collapse, StopsAfterSoManyLinesAndNamesTheCheckpointOfBefore) {
  test::TemporaryFolder const folder;
  auto const text = failure_of({{"least_spread", 1e6}, {"collapse_lines", 4}}, folder.path());
  EXPECT_NE(text.find("event 0 ('toy-0'), step 3"), std::string::npos) << text;
  EXPECT_NE(text.find("'spread' was below 1e+06 on the last 4 logged steps"), std::string::npos) << text;
  EXPECT_NE(text.find("collapsed"), std::string::npos) << text;
  EXPECT_NE(text.find("No checkpoint was taken before"), std::string::npos) << text;
  EXPECT_EQ(failure_of({{"least_spread", 1e6}, {"collapse_lines", 0}}, folder.path() / "never"), "");
  EXPECT_EQ(failure_of({{"least_spread", 0}, {"collapse_lines", 1}}, folder.path() / "sound"), "");
}

/// Makes the generator draw one image from the third step on.
StrategyList collapsing() {
  auto probe = std::make_unique<test::Scripted>();
  probe->on_compose = [](Batch batch, StepContext& c) {
    auto& arena = c.learner.parameters();
    for (auto const& segment : arena.segments())
      if (c.step >= 2 && segment.name.starts_with("generator.")) segment.of(arena.value()).zero_();
    return batch;
  };
  return test::only(std::move(probe));
}

// Two periodic checkpoints are kept; those of the collapse must not push out the last from before it. With alternating
// epochs of four steps the lines that count have four others between them.
TEST(Collapse, LeavesTheCheckpointThatWasSound) {
  for (std::string const schedule : {"interleaved", "alternating"}) {
    test::TemporaryFolder const folder;
    auto const text = failure_of({{"least_spread", 1e-6}, {"collapse_lines", 4}, {"phase_schedule", schedule}},
                                 folder.path(), collapsing());
    EXPECT_NE(text.find("'spread' was below"), std::string::npos) << text;
    EXPECT_NE(text.find("checkpoints/step-1"), std::string::npos) << text;
    EXPECT_TRUE(std::filesystem::exists(folder.path() / "checkpoints/step-1/state.json")) << schedule;
  }
}

TEST(Collapse, CountsOnAfterARestart) {
  test::TemporaryFolder const folder;
  auto recipe = RunRecipe::toy("lgaa");
  recipe.learner = [](std::uint64_t seed) {
    return toy::learner("lgaa", {{"least_spread", 1e6}, {"collapse_lines", 4}}, seed);
  };
  auto const text = message_of<NumericError>(
      [&] { static_cast<void>(run_interrupted(recipe, 0, folder.path(), 2, Interruption::kAsked)); });
  EXPECT_NE(text.find("step 3:"), std::string::npos) << text;
}

// Two checkpoints are kept; the last that is known to be sound was taken before the last finite line.
TEST(Divergence, NamesTheLastCheckpointThatIsKnownToBeSound) {
  test::TemporaryFolder const folder;
  auto probe = std::make_unique<test::Scripted>();
  probe->on_add = [](StepContext& c) {
    if (c.step == 12 && c.phase->name == "inference") c.learner.parameters().grad().fill_(std::nan(""));
  };
  auto const text = failure_of(Json::object(), folder.path(), test::only(std::move(probe)));
  EXPECT_NE(text.find("event 1 ('toy-1'), step 13"), std::string::npos) << text;
  EXPECT_NE(text.find("not finite"), std::string::npos) << text;
  EXPECT_NE(text.find("checkpoints/step-12"), std::string::npos) << text;
}

// The learner is not told the task at test; its answer is held against it all the same.
TEST(DomainAccuracy, IsTheShareWhoseDomainIsFoundThoughItIsHidden) {
  test::Rig rig({}, RunRecipe::toy().train, "lgaa");
  auto const stream = toy::stream(2);
  rig.trainer.run(stream);
  auto const& model = dynamic_cast<Recalls const&>(*rig.learner);
  for (auto const* task : stream.tested()) {
    auto const expected = model.domains_of(task->test.slice(0, task->test.size())).eq(task->id).to(at::kDouble).mean();
    EXPECT_DOUBLE_EQ(rig.trainer.test(task->test, task->id)[1], expected.item<double>());
  }
  EXPECT_TRUE(std::isnan(rig.trainer.test(stream.tested().front()->test)[1])) << "nothing says which would be right";
  for (std::string const figure : {"domain_accuracy", "squared_error", "kl", "psnr"})
    EXPECT_EQ(rig.trainer.figures().at("toy-1").at(figure).size(), 3U) << figure;
}

}  // namespace
}  // namespace mneme
