#include "mneme/experiment/sheet.hpp"

#include <torch/types.h>

#include <algorithm>

#include "mneme/core/errors.hpp"
#include "mneme/io/image_file.hpp"

namespace mneme {
namespace {

constexpr std::int64_t kGap = 2;     // pixels
constexpr std::int64_t kGray = 128;  // of 255

}  // namespace

bool is_picture(at::Tensor const& images) { return images.dim() == 4 && (images.size(1) == 1 || images.size(1) == 3); }

void write_sheet(std::filesystem::path const& file, at::Tensor const& images, std::int64_t columns) {
  auto const rows = (images.size(0) + columns - 1) / columns;
  auto const channels = images.size(1), height = images.size(2), width = images.size(3);
  auto const bytes = images.mul(255).round_().clamp_(0, 255).to(at::kByte).cpu();
  auto sheet = at::full({rows * (height + kGap) - kGap, columns * (width + kGap) - kGap, channels}, kGray, at::kByte);
  for (std::int64_t i = 0; i < images.size(0); ++i)
    sheet.narrow(0, i / columns * (height + kGap), height)
        .narrow(1, i % columns * (width + kGap), width)
        .copy_(bytes[i].permute({1, 2, 0}));
  auto const flat = sheet.contiguous();
  write_png(file, static_cast<int>(flat.size(1)), static_cast<int>(flat.size(0)), static_cast<int>(channels),
            {flat.const_data_ptr<std::uint8_t>(), static_cast<std::size_t>(flat.numel())});
}

void write_each(std::filesystem::path const& folder, at::Tensor const& images) {
  constexpr std::size_t kDigits = 5;
  std::error_code error;
  if (std::filesystem::create_directories(folder, error); error)
    throw IoError(folder.string() + ": cannot be made: " + error.message());
  for (std::int64_t i = 0; i < images.size(0); ++i) {
    auto const number = std::to_string(i);
    auto const zeros = std::string(kDigits - std::min(kDigits, number.size()), '0');
    write_sheet(folder / (zeros + number + ".png"), images.narrow(0, i, 1), 1);
  }
}

at::Tensor in_pairs(at::Tensor const& above, at::Tensor const& below, std::int64_t columns) {
  if (above.size(0) <= columns) return at::cat({above, below});
  std::vector<at::Tensor> blocks;
  for (std::int64_t first = 0; first < above.size(0); first += columns)
    for (auto const* set : {&above, &below}) {
      auto const n = std::min(columns, set->size(0) - first);
      blocks.push_back(set->narrow(0, first, n));
      if (n < columns) blocks.push_back(at::full_like(set->narrow(0, 0, columns - n), kGray / 255.0));
    }
  return at::cat(blocks);
}

}  // namespace mneme
