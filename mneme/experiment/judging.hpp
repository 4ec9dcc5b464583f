// Judging: what a judge (judge.hpp) says of a generative learner after every event. It stands in a run's judge.json and
// summary, with the judge's name, hash and accuracy on real test images: another judge answers noise differently.
//
// For every class c, of n images x ~ p(x | c) rounded to bytes, as they would be in a PNG file:
//   probability   mean p_judge(c | x)            accuracy   share of argmax = c
//   entropy       mean H(p_judge(. | x)), nats   gray       mean |x - 0.5| over images and pixels
//   negative_elbo mean over the real test images of the class, nats per image
//
// A model that was made to forget draws gray, and every judge takes gray for something: `blank` in judge.json is the
// mean probability of each class that it gives a picture of plain gray, and pictures of uniform noise. A class that
// draws no more than gray cannot come below the first.
//
// Of the classes that no request names together (`quality`): the Fréchet distance, density and coverage (k = 5) of
// samples against real test images in the features of the judge's last hidden layer, and the class score of its answers
// (eval/generative.hpp). The feature network is named beside them: none of these is an FID or an Inception score.
//
// A model of domains (learners/recalls.hpp) is judged domain by domain, as soon as it has met one, in the classes that
// it met: `accuracy` over all of them, `classes` and `quality` as above, and in quality also
//   nearest_training        mean distance in pixels of 500 samples to the nearest of the domain's training images, and
//   nearest_training_real   that of real test images: where the first is far smaller, training images are copied
//   frechet_reconstructed   as frechet_distance, of the reconstructions of the real images
// After every epoch that is measured (`evaluate.every_epoch`) judge.json's `epochs` has accuracy, frechet_distance and
// frechet_reconstructed of every domain; of a conditional model its classes, and frechet_distance in `quality`. Where a
// strategy replays what the model draws (self-replay), an event's row has `replayed`: {domain: {accuracy,
// frechet_distance}} of 2,000 images of each domain, as the next event will replay them. Where the stream is of data
// sets each domain has a judge of its own, the experiment with that data set in place of its own, in the shape that the
// learner sees; so has a conditional model of one data set. Where the stream shows the task at test, a conditional
// model draws and answers for each class as in a test of that class's task.
//
// With `attacks`, of each class that a request names: what recovery.hpp's two attacks bring back of it. Prototypes are
// the 15 sharpest of its first 512 test images, by mean |x - 0.5|.
#pragma once

#include <filesystem>
#include <limits>

#include "mneme/experiment/judged_part.hpp"
#include "mneme/train/evaluate.hpp"
#include "mneme/train/observer.hpp"

namespace mneme {

/// Figures of one class.
struct ClassVerdict {
  double probability = 0, accuracy = 0, entropy = 0, gray = 0;
};
/// Of images x [n, ...] in [0, 1] that were asked for as `label`, and what the judge says of them, p [n, C].
[[nodiscard]] ClassVerdict verdict_of(at::Tensor const& x, at::Tensor const& p, std::int64_t label);

/// Judges a conditional model or one of domains after every event. An observer; its noise restarts from the seed.
class JudgeObserver final : public Observer {
 public:
  /// Rows of an earlier try that stand in `file` are kept, unless another judge, or the same one with other settings,
  /// made them: figures of two judges do not compare. `strategies` answer for the learner as in a test.
  JudgeObserver(std::filesystem::path file, std::vector<JudgedPart> parts, StrategyList& strategies,
                Stream const& stream, std::uint64_t seed);
  void evaluated(EvaluationMatrix const& matrix, Learner& learner) override;
  void epoch_measured(EpochEnd const& end, Learner& learner) override;
  /// Whether nothing was judged yet, here or in an earlier try.
  [[nodiscard]] bool empty() const { return rows_.empty(); }

 private:
  /// Samples of a class.
  struct Drawn {
    std::int64_t label;
    at::Tensor images;
    Judge::Answer answer;
  };
  [[nodiscard]] std::vector<Drawn> draw(Learner& learner, JudgedPart const& part);
  [[nodiscard]] Json classes_of(Learner& learner, JudgedPart const& part, std::vector<Drawn> const& drawn);
  [[nodiscard]] Json quality_of(Learner& learner, JudgedPart& part, std::vector<Drawn> const& drawn);
  /// Features of real test images of the classes that were drawn, looked up once; false where there are too few.
  [[nodiscard]] bool has_real(JudgedPart& part, std::vector<Drawn> const& drawn);
  /// Fréchet distances of what was drawn and of reconstructions.
  [[nodiscard]] Json distances_of(Learner& learner, JudgedPart& part, at::Tensor const& features);
  [[nodiscard]] Json replayed(Learner const& learner);
  [[nodiscard]] Json answer_to_blank(JudgedPart const& part, at::Tensor const& like);
  void write() const;
  [[nodiscard]] Json attacks_on(Learner& learner, JudgedPart const& part);
  [[nodiscard]] double negative_elbo(Learner& learner, JudgedPart const& part, std::int64_t label);
  [[nodiscard]] Json judges() const;
  /// The learner as it is tested on this class.
  [[nodiscard]] TestScope as_for(Learner& learner, JudgedPart const& part, std::int64_t label);

  std::filesystem::path file_;
  std::vector<JudgedPart> parts_;
  StrategyList& strategies_;
  std::vector<std::int64_t> asked_;  // classes that the stream's requests name, ascending
  RandomStreams streams_;
  Json rows_ = Json::array(), epochs_ = Json::array(), blank_;
};

/// ClassHistory::forgotten, ascending.
[[nodiscard]] std::vector<std::int64_t> forgotten_classes(Stream const& stream,
                                                          std::int64_t last = std::numeric_limits<std::int64_t>::max());

/// Of a conditional model, in a row of judge.json: {task: {accuracy, over its classes that are not forgotten by then,
/// and with one task the row's quality}}. Empty of a row without `classes`.
[[nodiscard]] Json drawn_by_task(Json const& row, Stream const& stream);

/// (judgement_summary.cpp) What the judgements in judge.json come to, of a run of this stream.
///   forgotten_classes, and means over them in the last row: forgotten_probability, forgotten_accuracy,
///     forgotten_entropy, forgotten_gray; forgotten_before {probability, accuracy}: of each in the last row that knew
///     it, where all have one; forgotten_blank {gray, noise}: what the judge gives such pictures of their probability
///   retained_accuracy_drop and largest_retained_accuracy_drop: how far the accuracy of the classes that are known fell
///     in the last request, or in the last ones where several follow one another: from the row before to the row after
///   recovered: means over the forgotten classes of what each attack brought back
///   judge; quality of the last row; of a model of domains `drawn`: {domain: its accuracy and quality in the last row},
///     and `replayed` of the row before it, which is what the last event replayed
[[nodiscard]] Json judgement_summary(Json const& judged, Stream const& stream);

}  // namespace mneme
