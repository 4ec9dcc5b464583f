// Recovery attacks: whether a conditional model that was asked to forget a class can still be made to draw it. The
// weights are left alone; the code z and the condition softmax(l) of an image are searched for by Adam:
//
//   prototype matching   mean over pixels of (dec(z, softmax l) - target)^2 + 0.02 TV + 0.001 mean z^2
//   classifier-guided    -log p(c | dec(z, softmax l)) + 0.01 TV + 0.001 mean z^2
//
// TV is the mean absolute difference of neighbouring pixels, down plus across; z stays within +-4. Steps and learning
// rates are those of the student re-implementation whose attacks these are; how its terms are averaged is not known, so
// the weights above are ours to that extent, and its prototypes were samples of the model before the request, here they
// are whatever images the caller has. An image that a classifier was followed to may deceive that classifier.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <functional>

#include "mneme/learners/conditional.hpp"

namespace mneme {

struct AttackOptions {
  std::int64_t restarts = 6;
  std::int64_t steps = 800;
  double code_rate = 0.06, label_rate = 0.1;  // of Adam
  double variation = 0.02;                    // weight of TV
};

inline constexpr AttackOptions kPrototypeAttack = {};
inline constexpr AttackOptions kGuidedAttack = {
    .restarts = 6, .steps = 2000, .code_rate = 0.05, .label_rate = 0.1, .variation = 0.01};

/// For each of the targets [K, ...] in [0, 1] the nearest image that was found, [K, ...], of all restarts.
[[nodiscard]] at::Tensor match_prototypes(Conditional const& model, at::Tensor const& targets, at::Generator& noise,
                                          AttackOptions const& options = kPrototypeAttack);

/// The images [restarts, ...] that the search ended at. `log_probability` is log p(c | x) [n] of images x [n, ...],
/// differentiable.
[[nodiscard]] at::Tensor follow_classifier(Conditional const& model,
                                           std::function<at::Tensor(at::Tensor const&)> const& log_probability,
                                           at::Device device, at::Generator& noise,
                                           AttackOptions const& options = kGuidedAttack);

}  // namespace mneme
