// Pictures of generative learners, after every event: reconstructions of the same test images of each task, and samples
// of the prior (of a conditional model: the same codes for every class), for each task where the stream shows the task
// at test. The learner is asked as in a test of the task. Of a conditional model also the sheets of class_sheets.hpp,
// of a model of domains those of domain_sheets.hpp. An observer; its noise restarts from the seed, so pictures before
// and after differ by the weights only.
#pragma once

#include "mneme/experiment/sheet.hpp"
#include "mneme/strategies/list.hpp"
#include "mneme/stream/stream.hpp"
#include "mneme/train/observer.hpp"
#include "mneme/train/run_files.hpp"

namespace mneme {

class PictureObserver final : public Observer {
 public:
  PictureObserver(RunFiles& files, StrategyList& strategies, Stream const& stream, std::uint64_t seed);
  void evaluated(EvaluationMatrix const& matrix, Learner& learner) override;

 private:
  void reconstruct(Learner& learner, Task const& task, EvaluationRow const& row);
  void generate(Learner& learner, std::string const& task, EvaluationRow const& row);
  void save(std::vector<Sheet> const& sheets, EvaluationRow const& row);
  void save(at::Tensor const& rows, std::int64_t columns, std::string const& kind, std::string const& task,
            EvaluationRow const& row, std::string const& caption);

  RunFiles& files_;
  StrategyList& strategies_;
  std::vector<Task> tested_;
  std::vector<std::int64_t> shown_;  // classes that requests name, and one other
  bool task_known_;
  RandomStreams streams_;
};

}  // namespace mneme
