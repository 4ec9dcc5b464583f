#include "mneme/experiment/recovery.hpp"

#include <torch/autograd.h>
#include <torch/types.h>

#include <cmath>

#include "mneme/nets/random.hpp"

namespace mneme {
namespace {

constexpr double kCodeWeight = 1e-3, kLargestCode = 4;

/// Adam on one tensor.
class Adam {
 public:
  Adam(at::Tensor value, double rate) : value_(std::move(value)), rate_(rate) {
    first_ = at::zeros_like(value_);
    second_ = at::zeros_like(value_);
  }
  void step(at::Tensor const& gradient) {
    constexpr double kBeta1 = 0.9, kBeta2 = 0.999, kEpsilon = 1e-8;
    at::NoGradGuard const no_grad;
    ++count_;
    first_.mul_(kBeta1).add_(gradient, 1 - kBeta1);
    second_.mul_(kBeta2).addcmul_(gradient, gradient, 1 - kBeta2);
    auto const count = static_cast<double>(count_);
    auto const size = (second_ / (1 - std::pow(kBeta2, count))).sqrt_().add_(kEpsilon);
    value_.addcdiv_(first_, size, -rate_ / (1 - std::pow(kBeta1, count)));
  }

 private:
  at::Tensor value_, first_, second_;
  double rate_;
  std::int64_t count_ = 0;
};

/// [n]
at::Tensor variation(at::Tensor const& images) {
  auto const across = (images.narrow(-1, 1, images.size(-1) - 1) - images.narrow(-1, 0, images.size(-1) - 1)).abs();
  auto const down = (images.narrow(-2, 1, images.size(-2) - 1) - images.narrow(-2, 0, images.size(-2) - 1)).abs();
  return across.flatten(1).mean(1) + down.flatten(1).mean(1);
}

using Distance = std::function<at::Tensor(at::Tensor const& images)>;  // [n], to be made small

struct Found {
  at::Tensor images, distance;  // [n, ...], [n]
};

Found search(Conditional const& model, std::int64_t n, Distance const& distance, at::Device device,
             at::Generator& noise, AttackOptions const& options) {
  at::AutoGradMode const grad(true);
  auto const z = draw_normal({n, model.latent()}, noise, device).requires_grad_(true);
  auto const label = draw_normal({n, model.classes()}, noise, device).requires_grad_(true);
  Adam code(z.detach(), options.code_rate), condition(label.detach(), options.label_rate);
  for (std::int64_t step = 0; step < options.steps; ++step) {
    auto const images = model.decode(z, label.softmax(1));
    // A sum over rows, each of which is a search of its own.
    auto const loss =
        (distance(images) + options.variation * variation(images)).sum() + kCodeWeight * z.square().mean(1).sum();
    auto const gradient = torch::autograd::grad({loss}, {z, label});
    code.step(gradient[0]);
    condition.step(gradient[1]);
    z.detach().clamp_(-kLargestCode, kLargestCode);
  }
  at::NoGradGuard const no_grad;
  auto const images = model.decode(z, label.softmax(1));
  return {images, distance(images)};
}

}  // namespace

at::Tensor match_prototypes(Conditional const& model, at::Tensor const& targets, at::Generator& noise,
                            AttackOptions const& options) {
  auto const count = targets.size(0);
  std::vector<std::int64_t> repeats(static_cast<std::size_t>(targets.dim()), 1);
  repeats[0] = options.restarts;
  auto const goal = targets.repeat(repeats);  // restart by restart
  auto const distance = [&](at::Tensor const& images) { return (images - goal).square().flatten(1).mean(1); };
  auto const found = search(model, goal.size(0), distance, targets.device(), noise, options);
  auto const best = found.distance.view({options.restarts, count}).argmin(0);
  auto const row = best * count + at::arange(count, best.options());
  return found.images.index_select(0, row);
}

at::Tensor follow_classifier(Conditional const& model,
                             std::function<at::Tensor(at::Tensor const&)> const& log_probability, at::Device device,
                             at::Generator& noise, AttackOptions const& options) {
  auto const distance = [&](at::Tensor const& images) { return log_probability(images).neg(); };
  return search(model, options.restarts, distance, device, noise, options).images;
}

}  // namespace mneme
