// What codes of images say of classes or domains, without and with few labels, as pure functions. In double.
//
//   k-means      least sum over rows of |x - nearest centre|^2: Lloyd's algorithm from k-means++ centres (Arthur and
//                Vassilvitskii 2007), the best of several tries
//   agreement    normalised mutual information 2 I(a; b) / (H(a) + H(b)) of two labellings: 1 where they are equal but
//                for names, near 0 where one says nothing of the other
//   probe        ridge regression of one-hot labels on standardised codes with a bias, argmax of its answers: what a
//                linear classifier makes of a frozen code that it has few labels of
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>

namespace mneme {

/// Cluster of each row of x [N, D], int64 [N] in 0 .. k - 1. ConfigError unless 1 <= k <= N.
[[nodiscard]] at::Tensor k_means(at::Tensor const& x, std::int64_t k, at::Generator& noise, std::int64_t tries = 5);

/// Of labels a, b int64 [N], not negative; 1 where both are constant.
[[nodiscard]] double normalised_mutual_information(at::Tensor const& a, at::Tensor const& b);

/// Share of `test` rows [M, D] whose label, int64 [M], a probe finds that was fitted to x [N, D] with `labels` int64
/// [N]; `ridge` weighs |W|^2 against the sum over samples of the squared error.
[[nodiscard]] double probe_accuracy(at::Tensor const& x, at::Tensor const& labels, at::Tensor const& test,
                                    at::Tensor const& test_labels, double ridge = 1.0);

}  // namespace mneme
