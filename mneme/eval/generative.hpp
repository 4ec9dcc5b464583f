// How good generated images are, as pure functions. Distances between sets are taken in the feature space of a network
// that the caller names: a Fréchet distance in the features of any other network than Inception-v3 is no FID.
//
//   Fréchet distance   |m_a - m_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^(1/2)), S with N - 1     Heusel et al. 2017, eq. 6
//   score              exp( mean KL(p(c|x) || mean p(c|x)) )                               Salimans et al. 2016, sec. 4
//   density            (1/kM) sum over generated y of #{real x: |y - x| < r_k(x)}          Naeem et al. 2020, eqs. 4, 5
//   coverage           share of real x that have a generated y with |y - x| < r_k(x)
//                      r_k(x): distance to the k-th nearest of the other real samples
//   PSNR               10 log10(1 / mean squared error), dB, mean over images
//   SSIM               mean over positions and images of (2 m_x m_y + c1)(2 s_xy + c2) / ((m_x^2 + m_y^2 + c1)(s_x^2 +
//                      s_y^2 + c2)), weights Gaussian of 11 x 11 and sigma 1.5, where they fit; c1 = 0.01^2,
//                      c2 = 0.03^2                                                         Wang et al. 2004, eq. 13
//
// arXiv:1706.08500, arXiv:1606.03498, arXiv:2002.09797, doi:10.1109/TIP.2003.819861.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace mneme {

/// Of features a [N, F], b [M, F], N and M at least 2. ConfigError for fewer or unequal F. In double.
[[nodiscard]] double frechet_distance(at::Tensor const& a, at::Tensor const& b);

/// Of probabilities [N, C]: from 1, where all images are alike, to C.
[[nodiscard]] double class_score(at::Tensor const& probabilities);

struct Manifold {
  double density = 0, coverage = 0;
};
/// Of features of real samples [N, F] and generated ones [M, F]; ConfigError unless 1 <= k < N.
[[nodiscard]] Manifold density_coverage(at::Tensor const& real, at::Tensor const& generated, std::int64_t k = 5);

/// Of images a, b [N, ...] in [0, 1] of one shape: mean squared error of a pixel.
[[nodiscard]] double mean_squared_error(at::Tensor const& a, at::Tensor const& b);
/// Infinite where two images are equal.
[[nodiscard]] double psnr(at::Tensor const& a, at::Tensor const& b);
/// Images [N, C, H, W] of at least 11 x 11; ConfigError for smaller ones. Channels count alike.
[[nodiscard]] double ssim(at::Tensor const& a, at::Tensor const& b);
/// The same of each pair of images, double [N].
[[nodiscard]] at::Tensor psnr_of_each(at::Tensor const& a, at::Tensor const& b);
[[nodiscard]] at::Tensor ssim_of_each(at::Tensor const& a, at::Tensor const& b);
/// Whether images [N, C, H, W] are large enough for SSIM's window.
[[nodiscard]] bool has_ssim(at::IntArrayRef image);

/// Euclidean distance of each of x [N, ...] to the nearest of `others` [M, ...], in pixels, float [N]. Near 0: a copy.
[[nodiscard]] at::Tensor nearest_distance(at::Tensor const& x, at::Tensor const& others);

}  // namespace mneme
