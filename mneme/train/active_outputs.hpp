// ActiveOutputs: which outputs take part in the softmax of a batch (Batch::active), from the learner's head and the
// classes of the tasks.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "mneme/learners/learner.hpp"
#include "mneme/nets/archive.hpp"

namespace mneme {

class ActiveOutputs {
 public:
  ActiveOutputs(Head head, at::Device device) : head_(head), device_(device) {}

  /// ConfigError where there is to be one head a task and the stream hides the task.
  void show(Visibility const& visibility);
  /// A task that can be met, in training or test.
  void add(Task const& task);
  /// Its classes are seen from now on.
  void learn(Task const& task);

  /// Fills in Batch::active.
  void activate(Batch& batch) const;
  void state(Archive& archive);

 private:
  [[nodiscard]] bool per_task() const { return head_ == Head::kPerTask || (head_ == Head::kAuto && task_at_test_); }
  void add(std::int64_t task, std::vector<std::int64_t> const& classes);
  [[nodiscard]] at::Tensor mask_of(std::set<std::int64_t> const& classes) const;
  void refresh();

  Head head_;
  at::Device device_;
  bool task_at_test_ = false;
  std::map<std::int64_t, std::set<std::int64_t>> tasks_;
  std::set<std::int64_t> seen_;
  std::int64_t outputs_ = 0;      // 1 + the highest class
  at::Tensor masks_, seen_mask_;  // bool [1 + highest task, outputs], [outputs]
};

}  // namespace mneme
