// Self-replay: if these fail, a generative model's own past is not what it replays, or not with the weight that it
// should have.
#include "mneme/strategies/self_replay.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "mneme/core/seed.hpp"
#include "mneme/learners/conditional.hpp"
#include "tests/nets/oracle.hpp"
#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

/// Runs three toy tasks with a probe that sees each step before its update.
void watch(std::string const& learner, std::function<void(StepContext&)> const& at_gradient,
           std::function<void(EventContext&)> const& at_end) {
  auto list = test::listed("self-replay");
  auto probe = std::make_unique<test::Scripted>();
  probe->on_observe = at_gradient;
  probe->on_end = at_end;
  list.add("probe", std::move(probe), 0);
  test::Rig rig(std::move(list), RunRecipe::toy().train, learner);
  rig.trainer.run(toy::stream(3));
}

TEST(SelfReplay, RowsAreTheLastModelsSamplesAndWeighAsTheTasksBefore) {
  for (std::string const kind : {"vae", "cvae"}) {
    std::unique_ptr<Learner> past;
    at::Generator stream;
    watch(
        kind,
        [&](StepContext& c) {
          if (c.first()) {
            EXPECT_EQ(c.batch.size(), 8);
            return;
          }
          ASSERT_EQ(c.batch.size(), 16) << "as many as are new";
          EXPECT_EQ(c.batch.parts.back().origin, BatchPart::Origin::kGenerated);
          auto const n = static_cast<double>(c.index) + 1;  // of this task, from 1
          EXPECT_TRUE(at::allclose(c.batch.weight.narrow(0, 0, 8), at::full({8}, 2 / n)));
          EXPECT_TRUE(at::allclose(c.batch.weight.narrow(0, 8, 8), at::full({8}, 2 * (1 - 1 / n))));
          at::Tensor expected;
          if (auto const* conditional = dynamic_cast<Conditional const*>(past.get())) {
            auto const labels = draw_indices(4, 8, stream, at::kCPU);  // the toy tasks have all four classes
            EXPECT_TRUE(at::equal(c.batch.rows(8, 8).y(), labels));
            expected = conditional->sample_of(labels, stream);
          } else {
            expected = dynamic_cast<Generates&>(*past).sample(8, stream);
          }
          EXPECT_TRUE(at::equal(c.batch.x.narrow(0, 8, 8), expected)) << kind << ": another model drew them";
        },
        [&](EventContext& c) {
          past = c.learner.snapshot();
          if (c.first()) stream = RandomStreams(stream_seed(0, "strategy/self-replay")).fresh("replay");
        });
  }
}

}  // namespace
}  // namespace mneme
