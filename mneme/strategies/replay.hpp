// What strategies that store samples have in common.
#pragma once

#include "mneme/memory/buffer.hpp"
#include "mneme/strategies/forgetting.hpp"

namespace mneme {

/// What a step takes from the buffer.
struct ReplayOptions {
  std::int64_t batch = 0;
  std::string draw = "uniform";
  bool from_start = false;
  void describe(OptionVisitor& v);
  /// Replay within the first event changes its training, so that arms cannot share it.
  [[nodiscard]] Prefix prefix() const { return from_start ? Prefix::kChanges : Prefix::kWatches; }
  /// Whether this step replays: something is stored, and it may be used already.
  [[nodiscard]] bool due(Buffer const& buffer, EventContext const& context) const {
    return !buffer.empty() && (from_start || !context.past_begins_later());
  }
  /// n stored samples from the member's stream "replay"; `distinct` gives no more than there are.
  [[nodiscard]] Rows drawn(Buffer const& buffer, std::int64_t n, EventContext const& context) const;
};

/// When samples enter the memory of a method that asks it and does not train on it.
struct FillOptions {
  std::string fill = "step";
  std::int64_t per_task = 0;
  void describe(OptionVisitor& v);
  /// ConfigError where events cannot be told apart and the memory is filled at their ends.
  void check(std::string const& strategy, EventContext const& context) const;
  void after_step(Buffer& buffer, StepContext const& context) const;
  void end_event(Buffer& buffer, EventContext const& context) const;
};

/// Samples `index` int64 [n] of the event's data in their stored type; `hidden` stands for a task that the stream
/// hides.
[[nodiscard]] Rows chosen_rows(Dataset const& data, at::Tensor const& index, EventContext const& context,
                               std::int64_t hidden = -1);
/// The step's new samples.
[[nodiscard]] Rows current_rows(StepContext const& context);

/// Takes what was forgotten out of a buffer.
void drop(Buffer& buffer, Forgotten const& forgotten);

/// How many stored samples a step takes: as many as are new where `option` is 0.
[[nodiscard]] std::int64_t stored_per_step(std::int64_t option, StepContext const& context);

/// For a memory that is filled when an event ends: a random part of its training data, `per_task` samples or, at 0,
/// floor(M / t) for t tasks with this one. Where the task is hidden the event's number stands for it.
[[nodiscard]] Rows share_of_event(Buffer const& buffer, EventContext const& context, std::int64_t per_task = 0);

/// Stored rows as a batch of origin kMemory, with their outputs activated. In a step they are seen in random views, as
/// the new samples are; elsewhere as they are.
[[nodiscard]] Batch replayed(Rows const& rows, EventContext const& context);
[[nodiscard]] Batch replayed(Rows const& rows, StepContext const& context);

/// A forward pass beside the step's, under the gates of all strategies and with noise of its own.
[[nodiscard]] Output forward_beside(Batch const& batch, bool training, EventContext const& context);

}  // namespace mneme
