// Single pictures: PNG, JPEG and BMP in, PNG out.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace mneme {

/// Unsigned bytes [channels, height, width]. An alpha channel is dropped, so channels is 1 or 3.
struct Image {
  std::int64_t channels = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::vector<std::uint8_t> pixels;
};

/// `channels`: 1 or 3 converts, 0 keeps what is found. `name` is for messages. DataError on damage or a foreign format.
Image decode_image(std::span<std::uint8_t const> bytes, std::string const& name, int channels = 0);
Image read_image(std::filesystem::path const& path, int channels = 0);

/// Triangle filter as wide as the reduction, so that shrinking averages and enlarging interpolates. Sizes > 0.
Image resize_image(Image const& image, std::int64_t height, std::int64_t width);

/// `pixels` is interleaved [height, width, channels], channels 1 or 3. Written under a temporary name and renamed;
/// IoError when it cannot be.
void write_png(std::filesystem::path const& path, std::int64_t width, std::int64_t height, std::int64_t channels,
               std::span<std::uint8_t const> pixels);

}  // namespace mneme
