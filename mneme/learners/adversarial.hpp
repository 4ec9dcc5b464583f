// What adversarial learners with discrete codes are made of, as functions of tensors.
//
// Wasserstein critic with gradient penalty (Gulrajani et al. 2017, Improved training of Wasserstein GANs,
// arXiv:1704.00028, eq. 3), for real x_n, generated y_n, weights w_n that sum to 1 and e_n ~ U[0, 1], one a sample:
//
//   L = sum_n w_n [ D(y_n) - D(x_n) + lambda (|| grad D(m_n) || - 1)^2 ],    m_n = e_n x_n + (1 - e_n) y_n
//
// the norm over all pixels and channels of an image. With batch normalisation the critic mixes samples: x, y and m
// are batches of their own, as what the generator's phase draws is, and grad D(m_n) is that of the sum of all scores.
//
// Gumbel-softmax (Jang, Gu and Poole 2017, arXiv:1611.01144, eq. 2): y = softmax((logits + g) / temperature), g of the
// standard Gumbel distribution: argmax y has the probabilities softmax(logits) whatever the temperature is.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include "mneme/nets/stack.hpp"

namespace mneme {

struct Penalty {
  at::Tensor norm;       // [N] of the gradient
  at::Tensor value;      // [N] (norm - 1)^2
  at::Tensor direction;  // [N, ...] d value / d gradient = 2 (norm - 1) gradient / norm; 0 where the norm is 0
};
/// Of gradients [N, ...] of the critic by its input.
[[nodiscard]] Penalty gradient_penalty(at::Tensor const& gradient);

struct CriticLoss {
  at::Tensor loss;      // scalar with a graph of the critic's parameters
  at::Tensor distance;  // sum_n w_n [D(x_n) - D(y_n)], what is maximised; without a graph, as the others
  at::Tensor penalty;   // sum_n w_n (|| grad D(m_n) || - 1)^2
  at::Tensor norm;      // sum_n w_n || grad D(m_n) ||
};
/// `critic` gives [N, 1]. Where it is piecewise linear the penalty's gradient needs no second derivative: by the chain
/// rule it is that of sum_n J_n v_n, v_n = lambda w_n direction_n held, J_n the Jacobian at m_n, which is one more
/// forward pass with held slopes (Stack::tangent). A critic that normalises takes the second derivative. x, y [N, ...],
/// e [N], w [N].
[[nodiscard]] CriticLoss critic_loss(Stack const& critic, at::Tensor const& x, at::Tensor const& y, at::Tensor const& e,
                                     at::Tensor const& w, double lambda);

/// Of logits [N, C]; its gradient is that of the softmax with the noise held.
[[nodiscard]] at::Tensor gumbel_softmax(at::Tensor const& logits, double temperature, at::Generator& noise);
/// The logit of an output that does not take part: so low that its share of a softmax is 0, and finite, so that 0 times
/// it is 0.
constexpr double kAbsent = -1e4;
/// KL(softmax(logits) || uniform over the outputs that take part: above kAbsent) [N], of logits [N, C].
[[nodiscard]] at::Tensor uniform_kl(at::Tensor const& logits);

}  // namespace mneme
