// Per-sample weight gradients of layers that slide a window: G_n = rows_n columns_n', where `rows` is one side of the
// layer [N, R, positions] and `columns` the windows of the other [N, S k k, positions]. A convolution's rows are its
// output's gradient and its columns the windows of its input; of a transposed convolution the other way round. Only
// sources of layers include it.
#pragma once

#include <torch/types.h>

#include <algorithm>

#include "mneme/nets/arena.hpp"

namespace mneme::node {

struct Window {
  std::int64_t kernel, stride, padding;
};

/// [n, S k k, positions] of samples [first, first + n) of x [N, S, H, W].
inline at::Tensor windows(at::Tensor const& x, Window const& w, std::int64_t first, std::int64_t n) {
  return at::im2col(x.narrow(0, first, n), {w.kernel, w.kernel}, {1, 1}, {w.padding, w.padding}, {w.stride, w.stride});
}

/// Sum over samples [R, S k k] of the per-sample gradients, each taken through `power` in place; by chunks of samples.
template <class Power>
at::Tensor sum_of_powers(at::Tensor const& rows, at::Tensor const& other, Window const& w, Power power) {
  auto const r = rows.size(1), columns = other.size(1) * w.kernel * w.kernel, positions = rows.size(2);
  auto const chunk = std::max<std::int64_t>(1, (std::int64_t{1} << 22) / (r * columns + columns * positions));
  auto total = at::zeros({r, columns}, rows.options());
  for (std::int64_t first = 0; first < rows.size(0); first += chunk) {
    auto const n = std::min(chunk, rows.size(0) - first);
    auto const g = at::bmm(rows.narrow(0, first, n), windows(other, w, first, n).transpose(1, 2));
    power(g);
    total.add_(g.sum(0));
  }
  return total;
}

/// Adds the inner products of the per-sample gradients, which are formed for a few rows at a time.
inline void add_products(GradientSink& sink, at::Tensor const& rows, at::Tensor const& other, Window const& w) {
  auto const n = rows.size(0), r = rows.size(1);
  auto const columns = windows(other, w, 0, n).transpose(1, 2);
  auto const chunk = std::max<std::int64_t>(1, (std::int64_t{1} << 22) / (n * columns.size(2)));
  for (std::int64_t first = 0; first < r; first += chunk) {
    auto const g = at::bmm(rows.narrow(1, first, std::min(chunk, r - first)), columns).flatten(1);
    sink.add_products(at::mm(g, g.t()));
  }
}

}  // namespace mneme::node
