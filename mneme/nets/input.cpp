#include "mneme/nets/input.hpp"

#include <torch/types.h>

#include <algorithm>

#include "mneme/core/errors.hpp"
#include "mneme/nets/random.hpp"

namespace mneme {

void InputOptions::describe(OptionVisitor& v) {
  v.field("crop", crop,
          {.help = "training: move each image by up to so many pixels each way, anew every time",
           .unit = "pixels",
           .min = 0});
  v.field("flip", flip, {.help = "training: mirror each image left to right, every other time"});
  v.field("mean", mean, {.help = "subtracted from each channel of pixels in [0, 1]; empty: nothing"});
  v.field("std", deviation, {.help = "what each channel is divided by after that; empty: nothing", .above = 0});
}

Input::Input(InputOptions const& options, Shape const& shape, at::Device device, std::string const& where)
    : crop_(options.crop), flip_(options.flip) {
  auto const& [crop, flip, mean, deviation] = options;
  bool const normalises = !mean.empty() || !deviation.empty();
  if (!has_views() && !normalises) return;
  if (shape.size() != 3)
    throw ConfigError(where + ": crop, flip, mean and std are for images [C, H, W], and the samples have " +
                      std::to_string(shape.size()) + " dimensions; leave them out");
  auto const channels = static_cast<std::size_t>(shape[0]);
  for (auto const& [name, list] : {std::pair("mean", mean), std::pair("std", deviation)})
    if (!list.empty() && list.size() != channels)
      throw ConfigError(where + "." + name + ": " + std::to_string(list.size()) + " numbers for images of " +
                        std::to_string(channels) + " channels; give one for each");
  if (!normalises) return;
  auto const by_channel = [&](std::vector<double> const& list, double otherwise) {
    return at::tensor(list.empty() ? std::vector<double>(channels, otherwise) : list, at::kDouble).view({-1, 1, 1});
  };
  auto const scale = by_channel(deviation, 1).reciprocal();
  scale_ = scale.to(at::kFloat).to(device);
  shift_ = (by_channel(mean, 0) * scale).neg().to(at::kFloat).to(device);
}

at::Tensor Input::view(at::Tensor const& x, at::Generator& generator) const {
  if (!has_views()) return x;
  at::NoGradGuard const no_grad;
  auto const n = x.size(0), height = x.size(2), width = x.size(3), span = 2 * crop_ + 1;
  auto const draw = [&](std::int64_t values) { return draw_indices(values, n, generator, x.device()).unsqueeze(1); };
  auto const along = [&](std::int64_t extent) { return at::arange(extent, x.options().dtype(at::kLong)); };
  auto rows = along(height).unsqueeze(0), columns = along(width).unsqueeze(0);
  if (flip_) columns = at::where(draw(2).eq(1), columns.flip(1), columns);
  if (crop_ > 0) {
    rows = rows + draw(span);
    columns = columns + draw(span);
  }
  auto const padded = crop_ > 0 ? at::constant_pad_nd(x, {crop_, crop_, crop_, crop_}) : x;
  auto const pixel = rows.unsqueeze(2) * padded.size(3) + columns.unsqueeze(1);  // [N or 1, H, W]
  auto const index = pixel.view({-1, 1, height * width}).expand({n, x.size(1), height * width});
  return padded.flatten(2).gather(2, index).view(x.sizes());
}

at::Tensor Input::normalise(at::Tensor const& x) const { return scale_.defined() ? at::addcmul(shift_, x, scale_) : x; }

}  // namespace mneme
