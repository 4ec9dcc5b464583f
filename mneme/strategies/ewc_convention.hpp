// How others compute EWC's importance and weigh its penalty, so that a lambda can be typed in as it was published.
// A convention is the estimator of F, what its sum is divided by, the factor before the penalty, and how the tasks'
// terms are put together; each was read in the source that it is named after.
//
//   name         F is                                             divided by                 factor  terms
//   mneme        per sample, label drawn from the model           N                          1/2     one per task
//   avalanche    squared mean gradient of a batch, data's label   batches                    1       one per task
//   mammoth      per sample, data's label, weighted by p(y|x)     N up to whole batches      1       online
//   van-de-ven   per sample, all labels                           N - 1; N for a part        1/2     one per task
//   facil        squared mean gradient of a whole batch, the      batches                    1/2     blend, without the
//                model's most probable label                                                         head
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mneme {

struct EwcConvention {
  std::string name;
  std::vector<std::string> labels;  // that it goes with, its own first
  std::vector<std::string> modes;   // likewise
  double lambda = 1;                // the factor lambda/2 of the canonical form for a lambda of theirs: 2 where they
                                    // have no 1/2
  /// Their F over a mean over samples or batches, where `used` of `all` samples are used; null: 1.
  double (*share)(double used, double all, double batch) = nullptr;
  bool whole_batches = false;     // samples that do not fill a batch are left out
  bool head = true;               // false: segments named head.* are not held
  bool gamma_in_penalty = false;  // online: gamma also multiplies the penalty
};

[[nodiscard]] std::vector<std::string> ewc_convention_names();
[[nodiscard]] EwcConvention const& ewc_convention(std::string const& name);

/// `asked`, or the first of `allowed` for "auto". ConfigError where the convention does not go with it.
[[nodiscard]] std::string settle(EwcConvention const& convention, std::string const& option, std::string const& asked,
                                 std::vector<std::string> const& allowed);

}  // namespace mneme
