// What is left of what a classifier was asked to forget, measured after every Forget event: an observer that leaves
// `forget.json` in the arm's folder, a list with one entry per event (docs/run-folder.md names its keys). At most 2,000
// samples of each kind are looked at, the same ones in every arm of a seed.
#pragma once

#include "mneme/stream/stream.hpp"
#include "mneme/train/trainer.hpp"

namespace mneme {

class ForgetAudit final : public Observer {
 public:
  /// All must outlive it. `relearn`: how the run trains; the audit takes single steps of it on a copy.
  ForgetAudit(RunFiles& files, Stream const& stream, Trainer& trainer, TrainOptions relearn, std::uint64_t seed);
  void evaluated(EvaluationMatrix const& matrix, Learner& learner) override;
  /// What is known before the event: a line of the log, kind "asked". Nothing where it is no request, or of a learner
  /// that does not predict. Called where the event before is measured; for a branch that begins with a request, by
  /// hand.
  void look_before(std::int64_t event, Learner& learner);

 private:
  struct Parts;
  struct Look;
  void audit(EvaluationRow const& row, Learner& learner);
  [[nodiscard]] Look look_at(Parts const& parts, Learner& learner) const;
  [[nodiscard]] Parts parts_of(std::size_t event) const;
  [[nodiscard]] Dataset some(Dataset const& data, std::string const& name) const;
  /// Softmax of each sample [N, C], on the CPU.
  [[nodiscard]] at::Tensor answers(Learner& learner, Dataset const& data) const;
  /// Null where a copy would be told the class; one more than are tried where these do not do.
  [[nodiscard]] Json relearn_steps(Learner& learner, Dataset const& forget) const;
  /// By the log: {forget_seconds: from the event's beginning to the end of the forgetting, before: what was known}.
  [[nodiscard]] Json logged(std::int64_t event) const;

  RunFiles& files_;
  Stream const& stream_;
  Trainer& trainer_;
  TrainOptions train_;
  RandomStreams streams_;
};

/// The entries of a forget.json. DataError where it is damaged.
[[nodiscard]] Json read_audit(std::filesystem::path const& file);

/// Mean over samples of 1/2 sum_c |p_c - q_c|, the total variation between two models' answers: "answers" of two
/// entries, lists [N][C]. Null where they are of different samples.
[[nodiscard]] Json answer_distance(Json const& a, Json const& b);

/// Adds to each entry of `unlearning` in a summary's arms what it is to the arm of the same seed that was retrained for
/// the same request:
/// `distance_to_retrained` {forget, test} and `time_to_retraining`. `run` is the run's folder.
void compare_with_retrained(Json& arms, std::filesystem::path const& run);

}  // namespace mneme
