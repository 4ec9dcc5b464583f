// Abilities beside Strategy, for Forget events. In such an event only members that bring the forgetting about run their
// hooks (but `gates` and those around a test); all others keep still, and are told at its end what to let go of.
#pragma once

#include <set>
#include <utility>
#include <vector>

#include "mneme/strategies/strategy.hpp"
#include "mneme/stream/seen_data.hpp"

namespace mneme {

/// Brings the forgetting about. Its needs() say `forgets`; in a Forget event `context.data` is the data to be
/// forgotten, and without stages of its own nothing is trained.
class Unlearns {
 public:
  virtual ~Unlearns() = default;
  /// Whether it reads the data that is to be retained; where not, `ForgetData::retain` is empty.
  [[nodiscard]] virtual bool uses_retained() const = 0;
  /// The event's data, on the learner's device, before `begin_event` and again after a resume.
  virtual void take(ForgetData data) = 0;
  /// The request has been met: what was taken for it goes.
  virtual void release() {}
};

/// What was forgotten, as a strategy that stores samples recognises it.
class Forgotten {
 public:
  Forgotten(Request const& request, ForgetData const& asked);
  /// bool [N]: which of these stored samples are to go: those of a class that was asked for, and those equal to one of
  /// the samples, whose bytes are compared by a number of 62 bits.
  [[nodiscard]] at::Tensor among(at::Tensor const& data, at::Tensor const& labels) const;
  /// Classes of which nothing is to be known any more: those asked for, and those that a task or samples asked for had
  /// alone.
  [[nodiscard]] std::vector<std::int64_t> const& classes() const { return classes_; }
  /// (task, class) of which nothing is to be known any more.
  [[nodiscard]] std::set<std::pair<std::int64_t, std::int64_t>> const& places() const { return places_; }

 private:
  std::vector<std::int64_t> classes_;
  std::set<std::pair<std::int64_t, std::int64_t>> places_;
  at::Tensor prints_;  // int64 [M]
};

/// Keeps something of the past, and can let go of a part of it.
class LetsGo {
 public:
  virtual ~LetsGo() = default;
  /// At the end of a Forget event. Nothing that is kept brings back what was forgotten afterwards.
  virtual void let_go(Forgotten const& forgotten, EventContext& context) = 0;
};

}  // namespace mneme
