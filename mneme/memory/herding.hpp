// Herding: a few samples whose mean stays as near as possible to the mean of all, the most representative first.
//
//   p_k = argmin over x not yet chosen of || mu - (1/k) (phi(x) + sum_{j<k} phi(p_j)) ||,   mu = mean of phi
//
// Welling 2009, Herding dynamical weights to learn; as iCaRL uses it: Rebuffi et al. 2017, arXiv:1611.07725, alg. 4.
// Any first part of the order is what a smaller count would have given.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace mneme {

/// Rows of `features` [n, D] in the order of choice, int64 [min(count, n)].
[[nodiscard]] at::Tensor herding(at::Tensor const& features, std::int64_t count);

}  // namespace mneme
