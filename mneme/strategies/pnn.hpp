// Progressive neural networks: each task gets a column of its own, which reads the columns before it. Old columns never
// change, so nothing is forgotten, and the net grows with every task.
//
//   equations: nets/progressive.hpp (Rusu et al. 2016, Progressive neural networks, arXiv:1606.04671, eqs. 1 and 2)
//
// Column k is chosen by the task's id at test. A task that has not been learnt is tested with the newest column; one
// that comes again is given a further column. Only the new column is trained, and only its segments are touched by the
// optimizer.
//
// Differences from the paper: those of the net; the columns have one shape, and the paper's are for reinforcement
// learning.
#pragma once

#include <map>

#include "mneme/strategies/strategy.hpp"

namespace mneme {

class Pnn final : public Strategy {
 public:
  [[nodiscard]] Needs needs() const override;
  void begin_event(EventContext& context) override;
  std::vector<Stage> stages(EventContext& context) override;
  Batch compose(Batch batch, StepContext& context) override;
  void begin_test(TestContext& context) override;
  void end_test(TestContext& context) override;
  void state(Archive& archive) override;

 private:
  std::map<std::int64_t, std::int64_t> columns_;  // by task id
  std::int64_t newest_ = -1;
};

}  // namespace mneme
