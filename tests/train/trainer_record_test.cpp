// Branching: if these fail, a run goes on under a strategy that has missed what came before, or one that has missed
// nothing is refused.
#include <gtest/gtest.h>

#include "mneme/strategies/ewc.hpp"
#include "tests/io/support.hpp"
#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

using test::listed;
using test::Rig;

Json const kEwc = {{"kind", "ewc"}, {"lambda", 10}, {"samples", 20}};

/// A run over two toy tasks with the checkpoints event-0, event-1 and final; with `stop_at` one that was stopped at
/// that step.
class StoredRun {
 public:
  explicit StoredRun(Json const& strategy, std::int64_t stop_at = 0) : files_(folder_.path(), 1e9) {
    Rig rig(listed(strategy));
    Stopper stopper(rig.trainer, stop_at);
    rig.trainer.attach(&files_);
    rig.trainer.attach(&stopper);
    try {
      rig.trainer.run(toy::stream(2));
      rig.trainer.save("final", true);
    } catch (Stopped const&) {
    }
  }
  [[nodiscard]] Archive at(std::string const& checkpoint) const {
    return read_checkpoint(files_.checkpoints.find(checkpoint), false);
  }

 private:
  struct Stopper final : Observer {
    Stopper(Trainer& t, std::int64_t s) : trainer(t), step(s) {}
    void line(Json const& line) override {
      if (line["kind"] == "step" && line["step"] == step) trainer.stop_after(std::chrono::seconds(0));
    }
    Trainer& trainer;
    std::int64_t step;
  };

  test::TemporaryFolder folder_;
  RunFiles files_;
};

std::string refusal(Archive archive, Json const& strategy) {
  Rig rig(listed(strategy));
  return message_of<ConfigError>([&] { rig.trainer.state(archive, true); });
}

TEST(Branch, IntoAPlainStrategyAtTheEndOfTheFirstTrainingEqualsItFromTheBeginning) {
  auto archive = StoredRun("naive").at("event-0");
  Rig rig(listed(kEwc));
  rig.trainer.state(archive, true);
  rig.trainer.run(toy::stream(2));
  EXPECT_EQ(rig.trainer.training_hash(), test::hash_of(listed(kEwc)));
  EXPECT_NE(rig.trainer.training_hash(), test::hash_of(listed("naive"))) << "it held on to nothing";
}

// Wrong: EWC without the terms of the finished tasks forgets them, and the report says that EWC does.
TEST(Branch, IntoAPlainStrategyAnywhereElseIsRefused) {
  StoredRun const naive("naive");
  for (auto const* late : {"event-1", "final"}) {
    SCOPED_TRACE(late);
    test::expect_mentions(refusal(naive.at(late), kEwc), {"'ewc'", "Branch at event-0"});
  }
  auto within_the_first = StoredRun("naive", 3).at("step-3");
  Rig rig(listed(kEwc));
  EXPECT_NO_THROW(rig.trainer.state(within_the_first, true)) << "nothing was missed";
}

TEST(Branch, IntoAStrategyThatWatchesIsRefusedEvenThere) {
  test::expect_mentions(refusal(StoredRun("naive").at("event-0"), "er"), {"'er'", "from the beginning"});
}

// Wrong: the rest of the epoch is skipped, or rows are read that are not there.
TEST(Branch, InTheMiddleOfAnEpochKeepsWhatTheOrderIsMadeOf) {
  StoredRun const stored("naive", 3);
  auto options = RunRecipe::toy().train;
  options.batch = 20;
  Rig larger(listed("naive"), options);
  auto archive = stored.at("step-3");
  EXPECT_THROW(larger.trainer.state(archive, true), CheckpointError);
  options = RunRecipe::toy().train;
  options.patience = 2;
  Rig held_out(listed("naive"), options);
  auto again = stored.at("step-3");
  held_out.trainer.state(again, true);
  EXPECT_THROW(held_out.trainer.run(toy::stream(2)), CheckpointError);
}

// Wrong: a stored EWC run cannot be branched, with another lambda say, once its first task is over.
TEST(Branch, OfAStrategyThatTheRunHadGoesOnAnywhereWithWhatItKnew) {
  StoredRun const stored(kEwc);
  for (auto const* where : {"event-0", "event-1", "final"}) {
    SCOPED_TRACE(where);
    auto archive = stored.at(where);
    auto changed = kEwc;
    changed["lambda"] = 500;
    Rig rig(listed(changed));
    rig.trainer.state(archive, true);
    auto const* ewc = dynamic_cast<Ewc const*>(rig.trainer.strategies().members()[0].strategy.get());
    EXPECT_EQ(ewc->quadratic().empty(), std::string(where) == "event-0");
  }
}

}  // namespace
}  // namespace mneme
