// Pictures of generative learners, after every event: reconstructions of the same test images of each task, and samples
// of the prior (of a conditional model: the same codes for every class), for each task where the stream shows the task
// at test. The learner is asked as in a test of the task. Of a conditional model also the sheets of class_sheets.hpp,
// of a model of domains those of domain_sheets.hpp, after measured epochs too. A conditional model also draws its
// classes wherever `evaluate.every_steps` measures amid an epoch. An observer; its noise restarts from the seed, so
// pictures before and after differ by the weights only.
#pragma once

#include "mneme/experiment/sheet.hpp"
#include "mneme/learners/conditional.hpp"
#include "mneme/strategies/list.hpp"
#include "mneme/stream/stream.hpp"
#include "mneme/train/observer.hpp"
#include "mneme/train/run_files.hpp"

namespace mneme {

class PictureObserver final : public Observer {
 public:
  PictureObserver(RunFiles& files, StrategyList& strategies, Stream const& stream, std::uint64_t seed);
  void evaluated(EvaluationMatrix const& matrix, Learner& learner) override;
  void epoch_measured(EpochEnd const& end, Learner& learner) override;
  void step_measured(EpochEnd const& at, Learner& learner) override;

 private:
  enum class When { kEvent, kEpoch, kStep };
  /// When a picture was made: before training (event -1), after an event, after an epoch of one, or after a step.
  struct Moment {
    When when;
    std::int64_t event, epoch, step;
    std::string name;  // of the event
  };

  void reconstruct(Learner& learner, Task const& task, Moment const& moment);
  void generate(Learner& learner, std::string const& task, Moment const& moment);
  /// A row for each class, the same codes for all; without images where samples are none.
  [[nodiscard]] Sheet classes(Conditional const& model, at::Device device, std::string const& as_for) const;
  void save(Sheet const& sheet, Moment const& moment);

  RunFiles& files_;
  StrategyList& strategies_;
  std::vector<Task> tested_;
  std::vector<std::int64_t> shown_;  // classes that requests name, and one other
  bool task_known_;
  RandomStreams streams_;
};

}  // namespace mneme
