// Forgetting as growth of risk: the error on true data of all tasks so far against the error on what is trained on.
//
// After t tasks the target T is the true data of all of them, each task with the same weight; the source S is what the
// t-th is trained on: its own data, and what the strategy drew of the tasks before. For every hypothesis h of a class H
//
//   e_T(h) <= e_S(h) + d(S, T) / 2 + lambda
//
//   Ben-David et al. 2010, A theory of learning from different domains, Machine Learning 79, theorem 2,
//   doi:10.1007/s10994-009-5152-4
//
//   e_T(h)   target risk: share of wrong answers on test images
//   e_S(h)   source risk: the same on a sample of S, labelled as in training
//   d(S, T)  discrepancy, by its usual stand-in 2 (1 - 2 e), at least 0: e is the error of a net that was trained to
//            tell a sample of S from one of T, on samples that it has not seen
//   lambda   joint error: e_S + e_T of one net that was trained on samples of both, likewise
//
// The two nets are the small convolutional one (nets/cnn.hpp) and no search over H, which need not be the learner's own
// class; samples are finite. So the curve is in the shape of the bound and guarantees nothing.
//
// risk.json of an arm: {"events": [{event, task, discrepancy, joint_error}], "rows": [{event, epoch, step, target_risk,
// source_risk, target: {task: risk}, source: {task: risk}, bound}]}: a row after every epoch with
// `evaluate.every_epoch`, else after every event. What each domain has in the source is taken from the sample; a task
// that it has nothing of (fine-tuning) has no source risk.
#pragma once

#include <filesystem>
#include <optional>

#include "mneme/stream/stream.hpp"
#include "mneme/train/trainer.hpp"

namespace mneme {

struct RiskOptions {
  std::int64_t samples = 2000;
  std::int64_t steps = 300;
  void describe(OptionVisitor& v);
};

/// 2 (1 - 2 e), at least 0, of the errors that a net makes on either of two equally large sets; e is their mean.
[[nodiscard]] double discrepancy(double error_on_source, double error_on_target);

/// ConfigError for a learner that gives no accuracy, for data without labels, for an event that is not trained on, and
/// for a strategy of which it is not known what is trained on: it is of naive, joint, cumulative and self-replay.
void check_risk(Stream const& stream, Trainer& trainer, TrainOptions const& train);

/// Observes one arm. Its noise restarts from the seed, so a resumed run writes what an undisturbed one does.
class RiskObserver final : public Observer {
 public:
  /// All must outlive it. Throws what `check_risk` does.
  RiskObserver(std::filesystem::path file, RiskOptions options, Stream const& stream, Trainer& trainer,
               TrainOptions const& train, std::uint64_t seed);
  void line(Json const& line) override;

 private:
  void begin(std::int64_t event);
  /// A sample of what the event trains on, tasks and labels as in training. Nothing is replayed in the first event.
  [[nodiscard]] Dataset source_of(Task const& task, std::int64_t count, bool first);
  /// Equally many test images of every task so far.
  [[nodiscard]] Dataset target_of(std::vector<Task const*> const& tasks);
  /// Tested tasks that were trained on in events 0 to this one.
  [[nodiscard]] std::vector<Task const*> met(std::int64_t event) const;
  void add_row(Json const& line);
  void write() const;

  std::filesystem::path file_;
  RiskOptions options_;
  Stream const& stream_;
  Trainer& trainer_;
  std::int64_t batch_;
  RandomStreams streams_;
  std::int64_t event_ = -1;        // that `source_` is of
  std::optional<Dataset> source_;  // empty where a run was resumed after the event's training
  Json events_ = Json::array(), rows_ = Json::array();
};

}  // namespace mneme
