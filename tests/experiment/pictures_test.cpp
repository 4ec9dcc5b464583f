// Pictures: if these fail, a picture of a task is not what the model makes of that task.
#include "mneme/experiment/pictures.hpp"

#include <gtest/gtest.h>

#include "mneme/io/bytes.hpp"
#include "mneme/testing/recipe.hpp"
#include "mneme/testing/toy.hpp"
#include "tests/io/support.hpp"

namespace mneme {
namespace {

/// Learns two tasks; pictures stand in `folder`/samples.
void learn_two(std::string const& kind, Json const& strategy, Stream const& stream, std::filesystem::path const& folder,
               EvaluationOptions const& evaluation = {}) {
  auto const learner = toy::learner(kind);
  Trainer trainer(*learner, StrategyList(strategy, "strategy", 0), RunRecipe::toy().train, evaluation, 0);
  RunFiles files(folder);
  PictureObserver pictures(files, trainer.strategies(), stream, 0);
  trainer.attach(&pictures);
  trainer.run(stream);
}

// Wrong: the newest column reconstructs all tasks, as if the older ones had been forgotten.
TEST(Pictures, OfATaskAreMadeAsInItsTest) {
  test::TemporaryFolder const folder;
  learn_two("progressive-vae", "pnn", toy::split_stream(true), folder.path());
  auto const samples = folder.path() / "samples";
  for (std::string const name : {"reconstruction_toy-0", "prior_toy-0"})
    EXPECT_EQ(read_file(samples / (name + "_after_0_toy-0.png")), read_file(samples / (name + "_after_1_toy-1.png")))
        << name;
  EXPECT_NE(read_file(samples / "prior_toy-0_after_1_toy-1.png"), read_file(samples / "prior_toy-1_after_1_toy-1.png"));
}

TEST(Pictures, OfAConditionalModelShowEveryClassAndReconstructWithIt) {
  test::TemporaryFolder const folder;
  learn_two("cvae", "naive", toy::stream(2), folder.path());
  for (std::string const name :
       {"classes_after_1_toy-1.png", "reconstruction_toy-0_after_1_toy-1.png", "traversal_after_1_toy-1.png",
        "manifold_class 0_after_1_toy-1.png", "interpolation_after_1_toy-1.png"})
    EXPECT_TRUE(std::filesystem::exists(folder.path() / "samples" / name)) << name;
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "samples" / "prior_after_1_toy-1.png"));
}

TEST(Pictures, OfAModelOfDomainsAreMadeAfterEveryMeasuredEpochOfTheDomainsMet) {
  test::TemporaryFolder const folder;
  learn_two("lgaa", {{"kind", "self-replay"}}, toy::stream(2), folder.path(), {.every_epoch = true});
  auto const samples = folder.path() / "samples";
  auto const epochs = RunRecipe::toy().train.epochs;
  for (std::int64_t epoch = 1; epoch <= epochs; ++epoch) {
    auto const of = [&](std::string const& domain, std::string const& event) {
      return std::filesystem::exists(
          samples / ("epochs_" + domain + "_after_" + event + "_epoch_" + std::to_string(epoch) + ".png"));
    };
    EXPECT_TRUE(of("toy-0", "0_toy-0") && of("toy-0", "1_toy-1") && of("toy-1", "1_toy-1")) << epoch;
    EXPECT_FALSE(of("toy-1", "0_toy-0")) << epoch;
  }
}

}  // namespace
}  // namespace mneme
