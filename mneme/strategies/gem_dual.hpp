// The dual of GEM's projection: a quadratic program of as many variables as there are past tasks.
#pragma once

#include <vector>

namespace mneme {

/// argmin_v 1/2 v'Av + b'v  subject to  v >= margin,  for A [k, k] symmetric and positive definite, row by row, and b
/// [k]. At the result, with u = Av + b: u_i >= 0, and u_i = 0 where v_i > margin, to 1e-9 of
/// the size of the terms that are summed. Throws NumericError where a value is not finite or A not positive definite.
[[nodiscard]] std::vector<double> solve_dual(std::vector<double> const& a, std::vector<double> const& b, double margin);

}  // namespace mneme
