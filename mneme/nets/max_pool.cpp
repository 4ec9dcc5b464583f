#include "mneme/nets/max_pool.hpp"

#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include <bit>
#include <cstdint>
#include <vector>

namespace mneme {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// What the loops go by: `planes` maps of `width` columns, of whose pairs of rows each gives a row of results.
struct Planes {
  explicit Planes(at::Tensor const& x)
      : width(x.size(3)),
        pooled_height(x.size(2) / 2),
        pooled_width(width / 2),
        count(x.size(0) * x.size(1)),
        size(x.size(2) * width) {}
  /// act(offset of the first of the two rows, offset of the row of results)
  template <class Act>
  void each_pair_of_rows(Act act) const {
    for (std::int64_t plane = 0; plane < count; ++plane)
      for (std::int64_t i = 0; i < pooled_height; ++i)
        act(plane * size + 2 * i * width, (plane * pooled_height + i) * pooled_width);
  }

  std::int64_t width, pooled_height, pooled_width, count, size;
};

// Rows do not overlap, and the compiler makes vectors of these loops only where it is told so.

void pool_row(float const* __restrict upper, float const* __restrict lower, std::int64_t count,
              float* __restrict largest, std::uint8_t* __restrict place) {
  for (std::int64_t j = 0; j < count; ++j) {
    float best = upper[2 * j];
    std::int32_t at = 0;
    auto const compare = [&](float value, std::int32_t number) {
      bool const larger = value > best || value != value;
      at = larger ? number : at;
      best = larger ? value : best;
    };
    compare(upper[2 * j + 1], 1);
    compare(lower[2 * j], 2);
    compare(lower[2 * j + 1], 3);
    largest[j] = best;
    place[j] = static_cast<std::uint8_t>(at);
  }
}

void spread_row(float const* __restrict gradient, std::uint8_t const* __restrict place, std::int64_t count,
                float* __restrict upper, float* __restrict lower) {
  for (std::int64_t j = 0; j < count; ++j) {
    auto const bits = std::bit_cast<std::uint32_t>(gradient[j]);
    std::uint32_t const at = place[j];
    auto const share = [&](std::uint32_t number) {  // without a branch: the gradient's bits, or none
      return std::bit_cast<float>(bits & (0U - static_cast<std::uint32_t>(at == number)));
    };
    upper[2 * j] = share(0);
    upper[2 * j + 1] = share(1);
    lower[2 * j] = share(2);
    lower[2 * j + 1] = share(3);
  }
}

class MaxPool final : public torch::autograd::Function<MaxPool> {
 public:
  static at::Tensor forward(AutogradContext* context, at::Tensor const& x) {
    Planes const planes(x);
    std::vector<std::int64_t> const shape = {x.size(0), x.size(1), planes.pooled_height, planes.pooled_width};
    auto const largest = at::empty(shape, x.options());
    auto const place = at::empty(shape, x.options().dtype(at::kByte));  // of the largest in its window: 0 to 3
    auto const* from = x.const_data_ptr<float>();
    auto* to = largest.mutable_data_ptr<float>();
    auto* where = place.mutable_data_ptr<std::uint8_t>();
    planes.each_pair_of_rows([&](std::int64_t first, std::int64_t result) {
      pool_row(from + first, from + first + planes.width, planes.pooled_width, to + result, where + result);
    });
    context->save_for_backward({place});
    context->saved_data["shape"] = x.sizes().vec();
    return largest;
  }

  static variable_list backward(AutogradContext* context, variable_list const& gradients) {
    auto const place = context->get_saved_variables().front();
    auto const shape = context->saved_data["shape"].toIntVector();
    auto const gradient = gradients.front().contiguous();
    bool const all = shape[2] % 2 == 0 && shape[3] % 2 == 0;  // a last odd row or column has no window
    auto const result = all ? at::empty(shape, gradient.options()) : at::zeros(shape, gradient.options());
    Planes const planes(result);
    auto const* from = gradient.const_data_ptr<float>();
    auto const* where = place.const_data_ptr<std::uint8_t>();
    auto* to = result.mutable_data_ptr<float>();
    planes.each_pair_of_rows([&](std::int64_t first, std::int64_t pooled) {
      spread_row(from + pooled, where + pooled, planes.pooled_width, to + first, to + first + planes.width);
    });
    return {result};
  }
};

}  // namespace

at::Tensor max_pool_2x2(at::Tensor const& x) {
  bool const ours = x.is_cpu() && x.scalar_type() == at::kFloat && x.dim() == 4 && x.is_contiguous();
  return ours ? MaxPool::apply(x) : at::max_pool2d(x, 2);
}

}  // namespace mneme
