// Console: what a run says while it goes: a line for every event, evaluation and note, on stderr and in log.txt, and
// on a terminal one line that is rewritten.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "mneme/experiment/run.hpp"
#include "mneme/report/board.hpp"
#include "mneme/train/observer.hpp"

namespace mneme::app {

/// A line of metrics.jsonl for people; nothing for what is only of interest under -v (see `describe_detail`).
/// `style` is that of the learner's metric.
[[nodiscard]] std::optional<std::string> describe_line(Json const& line, MetricStyle const& style);
/// The rest: logged steps and points of curves.
[[nodiscard]] std::optional<std::string> describe_detail(Json const& line, MetricStyle const& style);

class Console final : public Observer {
 public:
  explicit Console(MetricStyle style) : style_(std::move(style)) {}
  /// From now on lines are those of this unit. `files` must outlive its training.
  void begin(Unit const& unit, RunFiles& files);
  void line(Json const& line) override;
  void progress(Progress const& progress) override;

 private:
  using Clock = std::chrono::steady_clock;
  MetricStyle style_;
  std::string unit_;
  RunFiles* files_ = nullptr;
  Clock::time_point since_{};
  std::int64_t since_step_ = 0, since_event_ = -1;
};

}  // namespace mneme::app
