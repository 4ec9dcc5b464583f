// memory: stored samples and the policies that choose them.
//
//   Buffer buffer({.memory = 1000, .policy = "reservoir"});
//   buffer.offer({data, labels, task, {{"logits", z}}}, generator);       // whole batches
//   auto rows = buffer.sample(64, generator);
//
// Policies, M slots (n counts what was offered, 1-based):
//   reservoir       a uniform sample, without replacement, of everything offered (Vitter 1985): item n takes slot n - 1
//                   while n <= M; later it enters with probability M / n into a uniform slot
//   ring            the newest floor(M / t) of each of the t tasks seen (the newest M where the task is hidden)
//   task-balanced   a reservoir of floor(M / t) for each of the t tasks seen; shares shrink at random as t grows
//   class-balanced  class-balancing reservoir (Chrysakis and Moens 2020, ICML, alg. 1): a class below the largest takes
//                   a slot of the largest; a largest class keeps m_c of its n_c items with probability m_c / n_c
//   greedy          GDumb (Prabhu et al. 2020, ECCV, alg. 1): enters while its class holds less than M / classes;
//                   when full, a random item of the largest class gives way
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "mneme/core/options.hpp"
#include "mneme/nets/archive.hpp"

namespace mneme {

struct BufferOptions {
  std::int64_t memory = 1000;
  std::string policy = "reservoir";
  void describe(OptionVisitor& v);
};

/// n samples: data [n, ...] in its stored type (uint8 for images), labels and task int64 [n] (task -1: hidden), and
/// what a strategy stored beside them.
struct Rows {
  at::Tensor data, labels, task;
  std::map<std::string, at::Tensor> extras = {};

  [[nodiscard]] std::int64_t size() const { return data.defined() ? data.size(0) : 0; }
  [[nodiscard]] Rows select(at::Tensor const& index) const;
};

class Buffer {
 public:
  explicit Buffer(BufferOptions options) : options_(std::move(options)) {}

  void offer(Rows const& rows, at::Generator& generator);
  /// Puts row i into slots[i], int64 [n], in place of what is there; a slot of size() is a new one. For
  /// policies of a strategy's own.
  void put(Rows const& rows, at::Tensor const& slots);
  /// n stored samples, uniform with replacement. Throws ConfigError when the buffer is empty.
  [[nodiscard]] Rows sample(std::int64_t n, at::Generator& generator) const;
  /// min(n, size()) different stored samples, uniform. Throws ConfigError when the buffer is empty.
  [[nodiscard]] Rows sample_distinct(std::int64_t n, at::Generator& generator) const;
  /// n stored samples of one task, different ones while there are enough. Throws ConfigError when none is stored.
  [[nodiscard]] Rows sample_task(std::int64_t task, std::int64_t n, at::Generator& generator) const;
  /// n stored samples, floor(n / t) of each of the t stored tasks and the remainder from tasks drawn at random, in
  /// random order; within a task as `sample_task`.
  [[nodiscard]] Rows sample_balanced(std::int64_t n, at::Generator& generator) const;
  /// Everything stored, or all of one task, in slot order.
  [[nodiscard]] Rows all() const;
  [[nodiscard]] Rows of_task(std::int64_t task) const;
  /// Takes out the samples of a mask, bool [size()]; the others move up in their order. What was offered counts as if
  /// the same share of it (of each group, where the policy has groups) had never been, so that later samples enter as
  /// often as one that is still held has.
  void remove(at::Tensor const& mask);
  /// Empties it, as if nothing had been offered.
  void clear();

  [[nodiscard]] std::int64_t capacity() const { return options_.memory; }
  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(labels_.size()); }
  [[nodiscard]] bool empty() const { return labels_.empty(); }
  [[nodiscard]] bool full() const { return size() >= options_.memory; }
  [[nodiscard]] std::int64_t seen() const { return seen_; }
  /// Stored samples by task.
  [[nodiscard]] std::map<std::int64_t, std::int64_t> task_distribution() const;
  /// {capacity, size, seen, full, policy, tasks: {"0": n, ...}}
  [[nodiscard]] Json stats() const;

  /// CheckpointError when the stored buffer has another capacity or policy.
  void state(Archive& archive);

 private:
  struct Item {
    std::int64_t label, task;
    double uniform;  // in [0, 1)
  };
  /// Slots of one group (a task or a class), ascending.
  using Members = std::vector<std::int64_t>;
  using Groups = std::map<std::int64_t, Members>;
  [[nodiscard]] bool by_class() const;
  /// The slot that the item takes: -1 for none, size() for a new one.
  std::int64_t choose(Item const& item);
  std::int64_t choose_by_share(Item const& item);
  std::int64_t choose_by_class(Item const& item);
  /// Notes that the item is in the slot, and writes rows into theirs (slot -> row).
  void enter(std::int64_t slot, std::int64_t label, std::int64_t task);
  /// Makes the groups of what was loaded.
  void regroup();
  void write(std::map<std::int64_t, std::int64_t> const& chosen, Rows const& rows);
  [[nodiscard]] Rows used() const;
  [[nodiscard]] Rows slots(Members const& members) const;
  /// n of them, different ones while there are enough.
  [[nodiscard]] static Members drawn(Members const& members, std::int64_t n, at::Generator& generator);
  void reserve(Rows const& like);

  BufferOptions options_;
  std::int64_t seen_ = 0;
  Rows store_;                                               // [M, ...], of which the first size() rows are used
  std::vector<std::int64_t> labels_, tasks_, arrival_;       // by slot; arrival: number of the item
  Groups of_class_, of_task_;                                // the same, by key: no item looks through all slots
  std::map<std::int64_t, std::deque<std::int64_t>> queues_;  // ring: slots of each task, the oldest first
  std::map<std::int64_t, std::int64_t> offered_;             // by group
  std::set<std::int64_t> once_largest_;                      // classes (class-balanced)
};

}  // namespace mneme
