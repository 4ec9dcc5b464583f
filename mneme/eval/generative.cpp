#include "mneme/eval/generative.hpp"

#include <torch/types.h>

#include <cmath>
#include <string>

#include "mneme/core/errors.hpp"
#include "mneme/core/extents.hpp"

namespace mneme {
namespace {

constexpr std::int64_t kWindow = 11;
constexpr double kSigma = 1.5;

struct Moments {
  at::Tensor mean, covariance;  // [F], [F, F]
};

Moments moments(at::Tensor const& features) {
  auto const x = features.to(at::kDouble);
  auto const mean = x.mean(0);
  auto const centred = x - mean;
  return {mean, at::mm(centred.t(), centred) / static_cast<double>(x.size(0) - 1)};
}

/// The root of a symmetric matrix without negative eigenvalues, but for rounding.
at::Tensor root(at::Tensor const& matrix) {
  auto const [values, vectors] = at::linalg_eigh(matrix);
  return at::mm(vectors * values.clamp_min(0).sqrt(), vectors.t());
}

void need(bool holds, std::string const& what) {
  if (!holds) throw ConfigError(what);
}

std::string shape(at::Tensor const& t) { return extents_text(t.sizes()); }

void need_equal_shapes(at::Tensor const& a, at::Tensor const& b, std::string const& what) {
  need(a.sizes() == b.sizes(),
       what + ": images of " + shape(a) + " and of " + shape(b) + "; give two sets of one shape");
}

/// Gaussian weights [11] that sum to 1: the window is their outer product.
at::Tensor window(at::Device device) {
  auto const distance = at::arange(kWindow, at::TensorOptions(at::kDouble).device(device)) - 0.5 * (kWindow - 1);
  auto const line = (distance.square() / (-2 * kSigma * kSigma)).exp();
  return line / line.sum();
}

}  // namespace

double frechet_distance(at::Tensor const& a, at::Tensor const& b) {
  need(a.dim() == 2 && b.dim() == 2 && a.size(1) == b.size(1) && a.size(0) > 1 && b.size(0) > 1,
       "Fréchet distance: features of " + shape(a) + " and of " + shape(b) +
           "; give two rows or more of each, of one length");
  auto const first = moments(a), second = moments(b);
  auto const half = root(first.covariance);
  auto const values = at::linalg_eigvalsh(at::mm(at::mm(half, second.covariance), half));
  auto const cross = values.clamp_min(0).sqrt().sum();
  return ((first.mean - second.mean).square().sum() + first.covariance.trace() + second.covariance.trace() - 2 * cross)
      .item<double>();
}

double class_score(at::Tensor const& probabilities) {
  auto const p = probabilities.to(at::kDouble);
  auto const mean = p.mean(0, true);
  return (at::xlogy(p, p) - at::xlogy(p, mean)).sum(1).mean().exp().item<double>();
}

Manifold density_coverage(at::Tensor const& real, at::Tensor const& generated, std::int64_t k) {
  need(k >= 1 && k < real.size(0), "density and coverage: the " + std::to_string(k) + "-th nearest of " +
                                       std::to_string(real.size(0)) + " real samples; choose k from 1 to one less");
  auto const x = real.to(at::kDouble), y = generated.to(at::kDouble);
  auto const radius = std::get<0>(at::cdist(x, x).kthvalue(k + 1, 1));  // the nearest is the sample itself
  auto const inside = at::cdist(y, x).lt(radius);                       // [M, N]
  auto const pairs = static_cast<double>(k) * static_cast<double>(y.size(0));
  return {.density = inside.sum().item<double>() / pairs,
          .coverage = inside.any(0).to(at::kDouble).mean().item<double>()};
}

double mean_squared_error(at::Tensor const& a, at::Tensor const& b) {
  need_equal_shapes(a, b, "mean squared error");
  return (a.to(at::kDouble) - b.to(at::kDouble)).square().mean().item<double>();
}

at::Tensor psnr_of_each(at::Tensor const& a, at::Tensor const& b) {
  need_equal_shapes(a, b, "PSNR");
  auto const error = (a.to(at::kDouble) - b.to(at::kDouble)).square().flatten(1).mean(1);
  return error.log10() * -10;
}

double psnr(at::Tensor const& a, at::Tensor const& b) { return psnr_of_each(a, b).mean().item<double>(); }

bool has_ssim(at::IntArrayRef image) {
  return image.size() >= 2 && image[image.size() - 2] >= kWindow && image[image.size() - 1] >= kWindow;
}

at::Tensor ssim_of_each(at::Tensor const& a, at::Tensor const& b) {
  need_equal_shapes(a, b, "SSIM");
  need(a.dim() == 4 && has_ssim(a.sizes()),
       "SSIM: images of " + shape(a) + "; its window needs [N, C, H, W] of at least 11 x 11 pixels");
  auto const weights = window(a.device());
  auto const down = weights.view({1, 1, kWindow, 1}), across = weights.view({1, 1, 1, kWindow});
  auto const plane = [](at::Tensor const& t) { return t.to(at::kDouble).reshape({-1, 1, t.size(2), t.size(3)}); };
  auto const mean = [&](at::Tensor const& t) { return at::conv2d(at::conv2d(t, down), across); };
  auto const x = plane(a), y = plane(b);
  auto const mx = mean(x), my = mean(y);
  auto const sx = mean(x * x) - mx * mx, sy = mean(y * y) - my * my, sxy = mean(x * y) - mx * my;
  constexpr double c1 = 0.01 * 0.01, c2 = 0.03 * 0.03;
  auto const map = (2 * mx * my + c1) * (2 * sxy + c2) / ((mx * mx + my * my + c1) * (sx + sy + c2));
  return map.view({a.size(0), -1}).mean(1);
}

double ssim(at::Tensor const& a, at::Tensor const& b) { return ssim_of_each(a, b).mean().item<double>(); }

at::Tensor nearest_distance(at::Tensor const& x, at::Tensor const& others) {
  need(x.dim() > 1 && x.sizes().slice(1) == others.sizes().slice(1) && others.size(0) > 0,
       "nearest distance: samples of " + shape(x) + " and of " + shape(others) + "; give two sets of one shape");
  constexpr std::int64_t kAtOnce = 10'000;
  auto const rows = x.flatten(1);
  at::Tensor nearest;
  for (auto const& part : others.flatten(1).split(kAtOnce)) {
    auto const least = std::get<0>(at::cdist(rows, part).min(1));
    nearest = nearest.defined() ? at::minimum(nearest, least) : least;
  }
  return nearest;
}

}  // namespace mneme
