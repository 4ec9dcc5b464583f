#include "mneme/learners/adversarial.hpp"

#include <torch/autograd.h>
#include <torch/types.h>

namespace mneme {

Penalty gradient_penalty(at::Tensor const& gradient) {
  auto const norm = gradient.flatten(1).norm(2, 1);
  auto const factor = at::where(norm > 0, 2 * (norm - 1) / norm, at::zeros_like(norm));
  at::DimVector each(static_cast<std::size_t>(gradient.dim()), 1);
  each[0] = -1;
  return {.norm = norm, .value = (norm - 1).square(), .direction = gradient * factor.view(each)};
}

CriticLoss critic_loss(Stack const& critic, at::Tensor const& x, at::Tensor const& y, at::Tensor const& e,
                       at::Tensor const& w, double lambda) {
  at::DimVector each(static_cast<std::size_t>(x.dim()), 1);
  each[0] = -1;
  Pass const trained{.trained = true, .norm = Pass::Norm::kBatch};
  auto const scores = [&](at::Tensor const& images) { return critic.forward(images, trained).squeeze(1); };
  auto const mixed = at::lerp(y, x, e.view(each)).detach().requires_grad_(true);
  if (critic.normalises()) {
    auto const distance = at::dot(w, scores(x)) - at::dot(w, scores(y));
    auto const score = scores(mixed).sum();
    auto const penalty = gradient_penalty(torch::autograd::grad({score}, {mixed}, {}, true, true).front());
    auto const total = at::dot(w, penalty.value);
    return {.loss = lambda * total - distance,
            .distance = distance.detach(),
            .penalty = total.detach(),
            .norm = at::dot(w, penalty.norm.detach())};
  }
  auto const both = scores(at::cat({x, y}));
  auto const n = x.size(0);
  auto const distance = at::dot(w, both.narrow(0, 0, n)) - at::dot(w, both.narrow(0, n, n));
  std::vector<at::Tensor> slopes;
  auto const score = critic.forward(mixed, {.trained = false}, &slopes);
  auto const gradient = torch::autograd::grad({score.sum()}, {mixed}).front();
  auto const penalty = gradient_penalty(gradient);
  auto const total = at::dot(w, penalty.value);
  auto const along = critic.tangent(penalty.direction * (lambda * w).view(each), slopes, trained).sum();
  // `along` has the penalty's gradient and another value.
  return {.loss = along - along.detach() + lambda * total - distance,
          .distance = distance.detach(),
          .penalty = total,
          .norm = at::dot(w, penalty.norm)};
}

at::Tensor gumbel_softmax(at::Tensor const& logits, double temperature, at::Generator& noise) {
  auto const exponential = at::empty(logits.sizes(), at::kFloat).exponential_(1, noise);
  auto const gumbel = exponential.log_().neg_().to(logits.device());
  return at::softmax((logits + gumbel) / temperature, 1);
}

at::Tensor uniform_kl(at::Tensor const& logits) {
  auto const off = logits.le(kAbsent);  // 0 log 0 = 0, and no gradient
  auto const log_p = at::log_softmax(logits, 1).masked_fill(off, 0);
  auto const p = at::softmax(logits, 1);
  return off.logical_not().sum(1).to(logits.scalar_type()).log() + (p * log_p).sum(1);
}

}  // namespace mneme
