// Judge: a classifier that was trained apart and says what a conditional generative model draws when it is asked for a
// class. It is trained by an experiment of the catalogue, once, and kept under the hash of all that its bits depend on:
// that experiment, the data and the version. Judgements stand in a run's judge.json and summary, with the judge's name,
// hash and accuracy on real test images: another judge answers noise differently.
//
// For every class c, of n images x ~ p(x | c) rounded to bytes, as they would be in a PNG file:
//   probability   mean p_judge(c | x)            accuracy   share of argmax = c
//   entropy       mean H(p_judge(. | x)), nats   gray       mean |x - 0.5| over images and pixels
//   negative_elbo mean over the real test images of the class, nats per image
#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "mneme/experiment/run.hpp"
#include "mneme/train/observer.hpp"

namespace mneme {

struct JudgeOptions {
  std::string experiment = "judge";
  std::int64_t samples = 1000;
  void describe(OptionVisitor& v);
};

/// Figures of one class.
struct ClassVerdict {
  double probability = 0, accuracy = 0, entropy = 0, gray = 0;
};
/// Of images x [n, ...] in [0, 1] that were asked for as `label`, and what the judge says of them, p [n, C].
[[nodiscard]] ClassVerdict verdict_of(at::Tensor const& x, at::Tensor const& p, std::int64_t label);

class Judge {
 public:
  /// Loads the judge, or trains it first; `tree` is the resolved configuration of the arm that is judged, whose data
  /// and device count. Throws ConfigError where the experiment trains no classifier, and what training throws.
  static std::shared_ptr<Judge> find(JudgeOptions const& options, Json const& tree, DataLibrary library);

  /// p(c | x) [n, C] for images x [n, ...] in [0, 1].
  [[nodiscard]] at::Tensor probabilities(at::Tensor const& x);
  /// {experiment, hash, test_accuracy, samples}
  [[nodiscard]] Json const& about() const { return about_; }
  [[nodiscard]] std::int64_t samples() const { return samples_; }

 private:
  LoadedArm arm_;
  Json about_;
  std::int64_t samples_ = 0;
};

/// Judges a conditional model after every event. An observer; its noise restarts from the seed.
class JudgeObserver final : public Observer {
 public:
  /// Rows of an earlier try that stand in `file` are kept.
  JudgeObserver(std::filesystem::path file, std::shared_ptr<Judge> judge, Stream const& stream, std::uint64_t seed);
  void evaluated(EvaluationMatrix const& matrix, Learner& learner) override;

 private:
  [[nodiscard]] Json classes_of(Learner& learner);
  [[nodiscard]] double negative_elbo(Learner& learner, std::int64_t label);

  std::filesystem::path file_;
  std::shared_ptr<Judge> judge_;
  std::vector<Dataset> tests_;
  std::vector<std::string> names_;  // of the classes
  RandomStreams streams_;
  Json rows_ = Json::array();
};

/// What a run's judgements come to: means over the classes that requests named, and over the others the fall of
/// accuracy since the row before the first request: forgotten_probability, forgotten_accuracy, forgotten_gray,
/// retained_accuracy_drop, largest_retained_accuracy_drop, judge. `rows` are those of judge.json.
[[nodiscard]] Json judgement_summary(Json const& judge, Json const& rows, std::vector<std::int64_t> const& forgotten);

}  // namespace mneme
