// Judge: a classifier that was trained apart and says what a conditional generative model draws when it is asked for a
// class. It is trained by an experiment of the catalogue, once, and kept under the hash of all that its bits depend on:
// that experiment, the data and the version. What it says of a run: judging.hpp.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "mneme/experiment/run.hpp"

namespace mneme {

struct JudgeOptions {
  std::string experiment = "judge";
  std::int64_t samples = 1000;
  bool attacks = false;
  void describe(OptionVisitor& v);
};

/// ConfigError for a judge of this arm (resolved) that could not be made: no such experiment, none that is one
/// classifier, or one that is judged itself.
void check_judge(JudgeOptions const& options, Json const& tree);

class Judge {
 public:
  /// `arm` holds a classifier; `about` is what judge.json says of it.
  Judge(LoadedArm arm, Json about, JudgeOptions options)
      : arm_(std::move(arm)), about_(std::move(about)), options_(std::move(options)) {}
  /// Loads the judge, or trains it first; `tree` is the resolved configuration of the arm that is judged, whose data
  /// and device count. With `dataset` that data set stands in place of the experiment's own, its images brought to
  /// `shape` as in the arm. Throws ConfigError where the experiment trains no classifier, and what training throws.
  static std::shared_ptr<Judge> find(JudgeOptions const& options, Json const& tree, DataLibrary library,
                                     std::string const& dataset, std::vector<std::int64_t> const& shape,
                                     std::function<void(std::string const& experiment)> const& on_training);

  struct Answer {
    at::Tensor probabilities, features;  // [n, C], [n, F] of the last hidden layer
  };
  /// Of images x [n, ...] in [0, 1].
  [[nodiscard]] Answer answer(at::Tensor const& x);
  /// log p(label | x) [n], differentiable in x.
  [[nodiscard]] at::Tensor log_probability(at::Tensor const& x, std::int64_t label);
  /// {experiment, hash, parameters (their hash), test_accuracy, samples, attacks, feature_network}
  [[nodiscard]] Json const& about() const { return about_; }
  [[nodiscard]] JudgeOptions const& options() const { return options_; }
  /// How many classes it tells apart.
  [[nodiscard]] std::int64_t classes() const { return arm_.stream.classes; }
  /// Of the classes that it tells apart; empty where its data set has none.
  [[nodiscard]] std::vector<std::string> class_names() const;

 private:
  LoadedArm arm_;
  Json about_;
  JudgeOptions options_;
};

/// Judges that are loaded: one for all arms that ask for the same.
class Judges {
 public:
  /// By the name of a data set, empty for the experiment's own.
  using Find = std::function<std::shared_ptr<Judge>(std::string const& dataset)>;
  /// Of an arm's resolved tree and its stream. This and `library` must outlive what is returned. `on_training` is told
  /// the experiment of a judge that is about to be trained.
  [[nodiscard]] Find finder(JudgeOptions const& options, Json const& tree, Stream const& stream,
                            DataLibrary const& library,
                            std::function<void(std::string const& experiment)> on_training = {});

 private:
  std::map<std::string, std::shared_ptr<Judge>> known_;
};

}  // namespace mneme
