// Separate networks: one for each task, each trained from scratch and chosen by the task's id at test. Nothing can be
// forgotten and nothing carried over: what a shared net is compared with.
//
//   theta^t = argmin L_t from a new draw of the parameters;   test of task t with theta^t
#pragma once

#include <map>

#include "mneme/strategies/replaced_values.hpp"
#include "mneme/strategies/strategy.hpp"
#include "mneme/strategies/task_statistics.hpp"

namespace mneme {

class Separate final : public Strategy {
 public:
  [[nodiscard]] Needs needs() const override;
  void begin_event(EventContext& context) override;
  std::vector<Stage> stages(EventContext& context) override;
  void end_event(EventContext& context) override;
  void begin_test(TestContext& context) override;
  void end_test(TestContext& context) override;
  void state(Archive& archive) override;

 private:
  std::map<std::int64_t, std::int64_t> rows_;  // by task id
  at::Tensor nets_;                            // [T, P]
  std::int64_t current_ = -1;                  // task being learnt: it is tested with the net in training
  TaskStatistics statistics_;
  ReplacedValues shown_;  // while a test runs
};

}  // namespace mneme
