#include "mneme/strategies/second_view.hpp"

#include <torch/types.h>

#include "mneme/nets/random.hpp"

namespace mneme {

at::Tensor second_view(at::Tensor const& x, std::int64_t shift, bool flip, at::Generator& generator) {
  if (x.dim() != 4) return x;
  auto const n = x.size(0), c = x.size(1), h = x.size(2), w = x.size(3);
  auto const along = [&](std::int64_t extent) { return at::arange(extent, x.options().dtype(at::kLong)); };
  auto const offset = [&] { return draw_indices(2 * shift + 1, n, generator, x.device()).unsqueeze(1); };
  auto const rows = along(h) + offset();  // [N, H]: where each row comes from in the padded image
  auto columns = along(w) + offset();
  if (flip) columns = at::where(draw_indices(2, n, generator, x.device()).unsqueeze(1).eq(1), columns.flip(1), columns);
  return at::constant_pad_nd(x, {shift, shift, shift, shift})
      .gather(2, rows.view({n, 1, h, 1}).expand({n, c, h, w + 2 * shift}))
      .gather(3, columns.view({n, 1, 1, w}).expand({n, c, h, w}));
}

}  // namespace mneme
