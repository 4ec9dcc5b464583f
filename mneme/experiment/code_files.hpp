// Codes of a generative model's test images, after every event, the same images each time: codes/<event>_<kind>.csv
// with some 2,000 of them, for scripts/latent.py. Columns: class, of a model of domains the domain's number, z0, ....
// A conditional model is told the class of each image, and in <event>_<kind>_flat.csv that it may be any: all classes
// with the same weight. What the first code shows of a class may be what the encoder was told.
//
// Of a model of domains that encodes also what its codes are good for (eval/codes.hpp), in codes.json:
//   clusters   agreement of k-means of all codes, as many clusters as domains were met, with the domains
//   domains    of each domain that was met: `clusters`, agreement of k-means of its codes, as many clusters as classes,
//              with the classes; `probe`: {labels of each class: accuracy} of a linear classifier on the frozen code,
//              labels of training images, tested on the test images
//
// An observer; its random numbers restart from the seed.
#pragma once

#include <filesystem>
#include <map>

#include "mneme/learners/recalls.hpp"
#include "mneme/nets/random.hpp"
#include "mneme/strategies/list.hpp"
#include "mneme/stream/stream.hpp"
#include "mneme/train/observer.hpp"

namespace mneme {

class CodeObserver final : public Observer {
 public:
  /// Rows of an earlier try that stand in `folder`/codes.json are kept. `strategies` answer for the learner as in a
  /// test of each task.
  CodeObserver(std::filesystem::path folder, StrategyList& strategies, Stream const& stream, std::uint64_t seed);
  void evaluated(EvaluationMatrix const& matrix, Learner& learner) override;

 private:
  /// Test images of all tasks with what they are.
  struct Sample {
    at::Tensor images, labels, domains;
    std::vector<std::int64_t> counts = {};  // of each tested task, whose images stand one behind the other
  };
  [[nodiscard]] Sample sample() const;
  /// z [n, latent] of the sample's images, each encoded as in a test of its task; with `flat` as of any class.
  [[nodiscard]] at::Tensor codes_of(Learner& learner, Sample const& of, bool flat);
  void write_table(std::string const& name, at::Tensor const& codes, Sample const& of, bool domains) const;
  [[nodiscard]] Json figures(Recalls const& model, at::Tensor const& codes, Sample const& of, at::Device device) const;

  std::filesystem::path folder_;
  StrategyList& strategies_;
  std::vector<Task> tested_;
  bool task_known_;
  RandomStreams streams_;
  Json rows_ = Json::array();
};

/// The figures of the last row of a codes.json.
[[nodiscard]] Json last_codes(std::filesystem::path const& file);

}  // namespace mneme
