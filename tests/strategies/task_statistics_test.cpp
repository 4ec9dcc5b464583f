// Methods that promise that a learnt task is predicted the same for ever, on a net with batch normalisation: the masks
// and copies of parameters that they keep do not hold running statistics.
#include "mneme/strategies/task_statistics.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

struct Normalised {
  explicit Normalised(std::string const& strategy)
      : learner(toy::learner("classifier", {{"net", {{"kind", "mlp"}, {"hidden", {8}}, {"batch_norm", "hidden"}}}})),
        trainer(*learner, test::listed(strategy), RunRecipe::toy().train, {}, 0) {
    trainer.expect(stream);
  }
  void learn(std::size_t i) { trainer.learn(std::get<Task>(stream.events[i])); }
  std::vector<double> test(std::size_t i) {
    return trainer.test(std::get<Task>(stream.events[i]).test, static_cast<std::int64_t>(i));
  }

  Stream stream = toy::split_stream(true);
  std::unique_ptr<Learner> learner;
  Trainer trainer;
};

class KeepsTasksForEver : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(TaskStatistics, KeepsTasksForEver, ::testing::Values("separate", "packnet"),
                         [](auto const& info) { return info.param; });

// Wrong: an old task is tested with the newest task's statistics, or the newest with an old one's.
TEST_P(KeepsTasksForEver, WithBatchNormalisationToo) {
  Normalised run(GetParam());
  run.learn(0);
  auto const first = run.test(0);
  run.learn(1);
  auto const live = run.learner->parameters().buffers().clone();
  EXPECT_EQ(run.test(0), first);
  EXPECT_TRUE(at::equal(run.learner->parameters().buffers(), live)) << "a test must leave the statistics";
}

TEST_P(KeepsTasksForEver, AfterASecondVisitWithTheStatisticsOfThat) {
  Normalised run(GetParam());
  run.learn(0);
  run.learn(1);
  auto const second = run.test(1);
  run.learn(0);
  auto const again = run.test(0);
  EXPECT_EQ(run.test(1), second);
  Trainer bare(*run.learner, {}, RunRecipe::toy().train, {}, 0);
  bare.expect(run.stream);
  EXPECT_EQ(bare.test(std::get<Task>(run.stream.events[0]).test, 0), again) << "the newest net stands in the arena";
}

}  // namespace
}  // namespace mneme
