#include "mneme/nets/per_sample.hpp"

#include <ATen/Parallel.h>

#include <vector>

namespace mneme::node {
namespace {

// A tile of `rows` x `vectors` vectors of a gradient G = rows' columns is summed over the positions in registers,
// raised and added to the total. (Members of structures, since a template argument loses such attributes.)
struct Eight {
  using Vector [[gnu::vector_size(32), gnu::aligned(4), gnu::may_alias]] = float;
};
struct Sixteen {
  using Vector [[gnu::vector_size(64), gnu::aligned(4), gnu::may_alias]] = float;
};

/// A sample's sides, position by position: rows [positions, r], columns [positions, c]; total [r, c]. r and c are
/// multiples of the tile's.
struct Sides {
  float const* rows;
  float const* columns;
  std::int64_t positions, r, c;
};

template <class Width, int kRows>
[[gnu::always_inline]] inline void add_tiles(Sides const& s, bool absolute, float* total) {
  using Vector = typename Width::Vector;
  constexpr std::int64_t kLanes = sizeof(Vector) / sizeof(float);
  for (std::int64_t column = 0; column < s.c; column += 2 * kLanes) {
    for (std::int64_t row = 0; row < s.r; row += kRows) {
      Vector left[kRows] = {}, right[kRows] = {};
      for (std::int64_t p = 0; p < s.positions; ++p) {
        float const* const b = s.columns + p * s.c + column;
        float const* const a = s.rows + p * s.r + row;
        auto const b_left = *reinterpret_cast<Vector const*>(b), b_right = *reinterpret_cast<Vector const*>(b + kLanes);
#pragma GCC unroll 8
        for (int i = 0; i < kRows; ++i) {
          left[i] += a[i] * b_left;
          right[i] += a[i] * b_right;
        }
      }
      float* const to = total + row * s.c + column;
#pragma GCC unroll 8
      for (int i = 0; i < kRows; ++i) {
        auto& to_left = *reinterpret_cast<Vector*>(to + i * s.c);
        auto& to_right = *reinterpret_cast<Vector*>(to + i * s.c + kLanes);
        to_left += left[i] * (absolute ? (left[i] < 0 ? Vector{} - 1 : Vector{} + 1) : left[i]);
        to_right += right[i] * (absolute ? (right[i] < 0 ? Vector{} - 1 : Vector{} + 1) : right[i]);
      }
    }
  }
}

struct Kernel {
  std::int64_t rows = 0, columns = 0;  // of a tile
  void (*add)(Sides const& sides, bool absolute, float* total) = nullptr;
};

#if defined(__x86_64__)
[[gnu::target("avx2,fma")]] void add_eight(Sides const& s, bool absolute, float* total) {
  add_tiles<Eight, 4>(s, absolute, total);
}
[[gnu::target("avx512f")]] void add_sixteen(Sides const& s, bool absolute, float* total) {
  add_tiles<Sixteen, 8>(s, absolute, total);
}
#endif

Kernel kernel_of(Tiles tiles) {
#if defined(__x86_64__)
  return tiles == Tiles::kSixteen ? Kernel{8, 32, add_sixteen} : Kernel{4, 16, add_eight};
#else
  TORCH_CHECK(tiles == Tiles::kProducts, "per_sample: this processor has no such vectors");
  return {};
#endif
}

std::int64_t rounded_up(std::int64_t n, std::int64_t to) { return (n + to - 1) / to * to; }

/// Lays a sample's sides out position by position, and has them added.
class Layout {
 public:
  Layout(at::Tensor const& rows, at::Tensor const& other, Window const& w, Kernel const& kernel)
      : w_(w),
        kernel_(kernel),
        rows_(rows.size(1)),
        positions_(rows.size(2)),
        maps_(other.size(1)),
        height_(other.size(2)),
        width_(other.size(3)),
        r_(rounded_up(rows_, kernel.rows)),
        c_(rounded_up(w.kernel * w.kernel * maps_, kernel.columns)) {}

  [[nodiscard]] std::int64_t r() const { return r_; }
  [[nodiscard]] std::int64_t c() const { return c_; }

  /// Samples [first, end) onto total [r, c], whose columns are [k, k, S] and what fills the last tile.
  void add(float const* rows, float const* other, std::int64_t first, std::int64_t end, bool absolute, float* total) {
    padded_.assign(static_cast<std::size_t>((height_ + 2 * w_.padding) * row_length()), 0);
    a_.assign(static_cast<std::size_t>(positions_ * r_), 0);
    b_.assign(static_cast<std::size_t>(positions_ * c_), 0);
    for (auto n = first; n < end; ++n) {
      take_windows(other + n * maps_ * height_ * width_);
      auto const* own = rows + n * rows_ * positions_;
      for (std::int64_t row = 0; row < rows_; ++row)
        for (std::int64_t p = 0; p < positions_; ++p) a_[at(p * r_ + row)] = own[row * positions_ + p];
      kernel_.add({a_.data(), b_.data(), positions_, r_, c_}, absolute, total);
    }
  }

 private:
  [[nodiscard]] static std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }
  [[nodiscard]] std::int64_t row_length() const { return (width_ + 2 * w_.padding) * maps_; }

  /// With its maps innermost a window is k runs of k S numbers.
  void take_windows(float const* x) {
    for (std::int64_t map = 0; map < maps_; ++map)
      for (std::int64_t y = 0; y < height_; ++y) {
        auto* to = &padded_[at((y + w_.padding) * row_length() + w_.padding * maps_ + map)];
        for (std::int64_t i = 0; i < width_; ++i) to[i * maps_] = *x++;
      }
    auto const across = (width_ + 2 * w_.padding - w_.kernel) / w_.stride + 1, run = w_.kernel * maps_;
    for (std::int64_t p = 0; p < positions_; ++p) {
      auto const* from = &padded_[at(p / across * w_.stride * row_length() + p % across * w_.stride * maps_)];
      for (std::int64_t i = 0; i < w_.kernel; ++i) std::copy_n(from + i * row_length(), run, &b_[at(p * c_ + i * run)]);
    }
  }

  Window w_;
  Kernel kernel_;
  std::int64_t rows_, positions_, maps_, height_, width_, r_, c_;
  std::vector<float> padded_, a_, b_;
};

at::Tensor by_tiles(at::Tensor const& given_rows, at::Tensor const& given_other, Window const& w, Raised how,
                    Kernel const& kernel) {
  auto const rows = given_rows.contiguous(), other = given_other.contiguous();
  Layout const layout(rows, other, w, kernel);
  auto const n = rows.size(0), parts = std::min<std::int64_t>(at::get_num_threads(), std::max<std::int64_t>(1, n));
  auto totals = at::zeros({parts, layout.r(), layout.c()}, rows.options());
  auto const *from = rows.const_data_ptr<float>(), *by = other.const_data_ptr<float>();
  auto* const to = totals.mutable_data_ptr<float>();
  at::parallel_for(0, parts, 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto part = begin; part < end; ++part) {
      auto own = layout;
      own.add(from, by, n * part / parts, n * (part + 1) / parts, how == Raised::kAbsolute,
              to + part * layout.r() * layout.c());
    }
  });
  auto const maps = other.size(1), k = w.kernel;
  auto const total = totals.sum(0).narrow(0, 0, rows.size(1)).narrow(1, 0, k * k * maps);
  return total.reshape({rows.size(1), k, k, maps}).permute({0, 3, 1, 2}).reshape({rows.size(1), maps * k * k});
}

/// By chunks of samples.
at::Tensor by_products(at::Tensor const& rows, at::Tensor const& other, Window const& w, Raised how) {
  auto const r = rows.size(1), columns = other.size(1) * w.kernel * w.kernel, positions = rows.size(2);
  auto const chunk = std::max<std::int64_t>(1, (std::int64_t{1} << 22) / (r * columns + columns * positions));
  auto total = at::zeros({r, columns}, rows.options());
  for (std::int64_t first = 0; first < rows.size(0); first += chunk) {
    auto const n = std::min(chunk, rows.size(0) - first);
    auto const g = at::bmm(rows.narrow(0, first, n), windows(other, w, first, n).transpose(1, 2));
    raise(g, how);
    total.add_(g.sum(0));
  }
  return total;
}

}  // namespace

Tiles widest_tiles() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return Tiles::kSixteen;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return Tiles::kEight;
#endif
  return Tiles::kProducts;
}

at::Tensor sum_of_powers(at::Tensor const& rows, at::Tensor const& other, Window const& w, Raised how, Tiles tiles) {
  return tiles == Tiles::kProducts ? by_products(rows, other, w, how) : by_tiles(rows, other, w, how, kernel_of(tiles));
}

at::Tensor sum_of_powers(at::Tensor const& rows, at::Tensor const& other, Window const& w, Raised how) {
  static auto const widest = widest_tiles();
  return sum_of_powers(rows, other, w, how, rows.is_cpu() ? widest : Tiles::kProducts);
}

}  // namespace mneme::node
