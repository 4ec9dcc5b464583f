// Pictures of generative learners, after every event: reconstructions of the same test images of each task, and samples
// of the prior. An observer; its noise restarts from the seed, so pictures before and after differ by the weights only.
#pragma once

#include "mneme/stream/stream.hpp"
#include "mneme/train/observer.hpp"
#include "mneme/train/run_files.hpp"

namespace mneme {

class PictureObserver final : public Observer {
 public:
  PictureObserver(RunFiles& files, std::vector<Task> tested, std::uint64_t seed)
      : files_(files), tested_(std::move(tested)), streams_(seed) {}
  void evaluated(EvaluationMatrix const& matrix, Learner& learner) override;

 private:
  void save(at::Tensor const& rows, std::int64_t columns, std::string const& kind, std::string const& task,
            EvaluationRow const& row, std::string const& caption);

  RunFiles& files_;
  std::vector<Task> tested_;
  RandomStreams streams_;
};

}  // namespace mneme
