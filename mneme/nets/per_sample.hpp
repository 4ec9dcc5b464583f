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

enum class Raised { kSquare, kAbsolute };

/// What the sink of a pass of squares or absolute values asks for.
inline Raised raised_by(GradientSink const& sink) {
  return sink.reduction() == Reduction::kSumOfAbsolutes ? Raised::kAbsolute : Raised::kSquare;
}

/// Takes every number of g through it.
inline void raise(at::Tensor const& g, Raised how) { how == Raised::kSquare ? g.square_() : g.abs_(); }

/// Sum over samples [R, S k k] of the per-sample gradients' squares, or absolute values.
[[nodiscard]] at::Tensor sum_of_powers(at::Tensor const& rows, at::Tensor const& other, Window const& w, Raised how);

/// How `sum_of_powers` is computed. kProducts: by torch, on any device; the others a tile of a gradient at a time,
/// which is formed in registers and never stored, for processors with vectors of so many numbers (AVX2, AVX-512).
enum class Tiles { kProducts, kEight, kSixteen };
[[nodiscard]] at::Tensor sum_of_powers(at::Tensor const& rows, at::Tensor const& other, Window const& w, Raised how,
                                       Tiles tiles);
/// The fastest that this processor has.
[[nodiscard]] Tiles widest_tiles();

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
