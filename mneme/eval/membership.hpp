// Membership inference: can an attacker tell from a classifier's answers which samples it was trained on? After these
// were forgotten an AUC of 0.5 says no; above, that something is left; below, that forgetting itself is a trace. No
// torch here.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace mneme {

/// What an attacker sees of one sample: -log p_y, largest probability, entropy of the answer (nats).
struct AnswerFeatures {
  double loss = 0, confidence = 0, entropy = 0;
  bool right = false;
};

/// Area under the ROC curve: P(a positive scores above a negative) + 1/2 P(they are equal), by ranks (Mann and Whitney
/// 1947). NaN where one side is empty: there is nothing to tell apart.
[[nodiscard]] double area_under_curve(std::span<double const> positive, std::span<double const> negative);

/// Yeom et al. 2018 (Privacy risk in machine learning, arXiv:1709.01604): members have the lower loss. AUC of -loss.
[[nodiscard]] double loss_attack(std::span<AnswerFeatures const> members, std::span<AnswerFeatures const> others);

/// Logistic regression on loss, confidence and entropy (after Shokri et al. 2017, arXiv:1610.05820, whose attackers are
/// networks trained on shadow models; this one is trained on the model's own retained training and test samples).
class MembershipAttacker {
 public:
  /// Newton's method on the mean log-loss plus (1e-3 / 2) ||w||^2 over standardised features; both sides weigh the
  /// same.
  MembershipAttacker(std::span<AnswerFeatures const> members, std::span<AnswerFeatures const> others);
  /// P(member).
  [[nodiscard]] double score(AnswerFeatures const& sample) const;
  /// AUC of the scores.
  [[nodiscard]] double attack(std::span<AnswerFeatures const> members, std::span<AnswerFeatures const> others) const;

 private:
  static constexpr std::size_t kFeatures = 3;
  [[nodiscard]] std::array<double, kFeatures + 1> standardised(AnswerFeatures const& sample) const;

  std::array<double, kFeatures> mean_{}, scale_{};
  std::array<double, kFeatures + 1> weight_{};  // the last is the offset
};

/// Share of right answers; 0 of none.
[[nodiscard]] double accuracy_of(std::span<AnswerFeatures const> samples);

}  // namespace mneme
