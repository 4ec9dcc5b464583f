#include "mneme/strategies/bias_correction.hpp"

#include <torch/types.h>

#include <cmath>
#include <vector>

namespace mneme {
namespace {

/// Value, gradient and Hessian of the objective at (a, b).
struct Local {
  double value, d_a, d_b, d_aa, d_ab, d_bb;
};

class Objective {
 public:
  Objective(at::Tensor const& logits, at::Tensor const& labels, at::Tensor const& corrected, double ridge)
      : labels_(labels.cpu().unsqueeze(1)), ridge_(ridge) {
    auto const z = logits.to(at::kCPU, at::kDouble);
    moving_ = corrected.cpu().to(at::kDouble);
    slope_ = z * moving_;
    fixed_ = z - slope_;
  }

  [[nodiscard]] Local at(ScaleAndShift const& v) const {
    auto const log_p = at::log_softmax(fixed_ + slope_ * v.a + moving_ * v.b, 1);
    auto const p = log_p.exp();
    auto const mean = [](at::Tensor const& t) { return t.mean().item<double>(); };
    auto const of_label = [&](at::Tensor const& t) { return t.gather(1, labels_).squeeze(1); };
    auto const z = (p * slope_).sum(1), m = (p * moving_).sum(1);  // expectations under p
    double const a = v.a - 1;
    return {.value = -mean(of_label(log_p)) + ridge_ / 2 * (a * a + v.b * v.b),
            .d_a = mean(z - of_label(slope_)) + ridge_ * a,
            .d_b = mean(m - of_label(moving_.expand_as(p))) + ridge_ * v.b,
            .d_aa = mean((p * slope_ * slope_).sum(1) - z * z) + ridge_,
            .d_ab = mean(z - z * m),  // slope is 0 where nothing moves
            .d_bb = mean(m - m * m) + ridge_};
  }

 private:
  at::Tensor labels_, moving_, slope_, fixed_;
  double ridge_;
};

}  // namespace

ScaleAndShift fit_bias(at::Tensor const& logits, at::Tensor const& labels, at::Tensor const& corrected, double ridge) {
  at::NoGradGuard const no_grad;
  constexpr int kSteps = 100, kHalvings = 40;
  constexpr double kFlat = 1e-10;
  Objective const objective(logits, labels, corrected, ridge);
  ScaleAndShift best;
  auto here = objective.at(best);
  for (int i = 0; i < kSteps && std::hypot(here.d_a, here.d_b) > kFlat; ++i) {
    double const determinant = here.d_aa * here.d_bb - here.d_ab * here.d_ab;
    ScaleAndShift const step = {.a = (here.d_bb * here.d_a - here.d_ab * here.d_b) / determinant,
                                .b = (here.d_aa * here.d_b - here.d_ab * here.d_a) / determinant};
    double size = 1;
    auto next = here;
    ScaleAndShift tried;
    for (int halving = 0; halving < kHalvings; ++halving, size /= 2) {
      tried = {.a = best.a - size * step.a, .b = best.b - size * step.b};
      next = objective.at(tried);
      if (next.value < here.value) break;
    }
    if (!(next.value < here.value)) break;  // as flat as double can see
    best = tried;
    here = next;
  }
  return best;
}

at::Tensor BiasCorrection::apply(at::Tensor const& logits) const {
  if (classes_.empty()) return {};
  if (!columns_.defined() || columns_.device() != logits.device())
    columns_ = at::tensor(std::vector<std::int64_t>(classes_.begin(), classes_.end()), at::kLong).to(logits.device());
  return logits.index_copy(1, columns_, logits.index_select(1, columns_).mul(values_.a).add(values_.b));
}

void BiasCorrection::state(Archive& archive) {
  Json classes(classes_);
  archive.field("classes", classes);
  archive.field("a", values_.a);
  archive.field("b", values_.b);
  if (!archive.loading()) return;
  classes_ = classes.get<std::set<std::int64_t>>();
  columns_ = at::Tensor();
}

}  // namespace mneme
