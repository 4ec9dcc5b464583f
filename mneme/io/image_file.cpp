#include "mneme/io/image_file.hpp"

#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#define STBI_WRITE_NO_STDIO
#include <stb/stb_image.h>
#include <stb/stb_image_write.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "mneme/core/errors.hpp"
#include "mneme/core/files.hpp"
#include "mneme/io/bytes.hpp"
#include "mneme/io/jpeg_guard.hpp"

namespace mneme {
namespace {

constexpr std::int64_t kMostPixels = std::int64_t{1} << 27;  // of one picture; a header may announce far more

/// One output position as a weighted sum of consecutive inputs.
struct Tap {
  std::int64_t first;
  std::vector<float> weights;  // sum to 1
};

std::vector<Tap> triangle_taps(std::int64_t from, std::int64_t to) {
  double const scale = static_cast<double>(from) / static_cast<double>(to);
  double const radius = std::max(scale, 1.0);
  std::vector<Tap> taps;
  for (std::int64_t i = 0; i < to; ++i) {
    double const centre = (static_cast<double>(i) + 0.5) * scale;
    auto const first = std::max<std::int64_t>(0, static_cast<std::int64_t>(std::floor(centre - radius + 0.5)));
    auto const last = std::min(from, static_cast<std::int64_t>(std::floor(centre + radius + 0.5)));
    Tap tap{first, {}};
    double sum = 0;
    for (std::int64_t k = first; k < last; ++k) {
      double const weight = std::max(0.0, 1.0 - std::abs((static_cast<double>(k) + 0.5 - centre) / radius));
      tap.weights.push_back(static_cast<float>(weight));
      sum += weight;
    }
    for (float& weight : tap.weights) weight = static_cast<float>(weight / sum);
    taps.push_back(std::move(tap));
  }
  return taps;
}

/// Applies taps along one axis of `source`, seen as [outer, taps' inputs, inner].
std::vector<float> resample(std::vector<float> const& source, std::vector<Tap> const& taps, std::int64_t outer,
                            std::int64_t length, std::int64_t inner) {
  std::vector<float> result;
  result.reserve(static_cast<std::size_t>(outer * inner) * taps.size());
  for (std::int64_t o = 0; o < outer; ++o) {
    for (Tap const& tap : taps) {
      for (std::int64_t i = 0; i < inner; ++i) {
        float sum = 0;
        for (std::size_t k = 0; k < tap.weights.size(); ++k) {
          auto const row = tap.first + static_cast<std::int64_t>(k);
          sum += tap.weights[k] * source[static_cast<std::size_t>((o * length + row) * inner + i)];
        }
        result.push_back(sum);
      }
    }
  }
  return result;
}

}  // namespace

Image decode_image(std::span<std::uint8_t const> bytes, std::string const& name, int channels) {
  if (channels != 0 && channels != 1 && channels != 3) {
    throw ConfigError("pictures have 1 or 3 channels (0: as found), " + std::to_string(channels) + " were asked");
  }
  if (bytes.size() > kLargestFile / 4) throw_damaged(name, 0, "is too large for a picture");
  if (!jpeg_tables_fit(bytes)) throw_damaged(name, 0, "the JPEG picture's Huffman tables are damaged");
  auto const size = static_cast<int>(bytes.size());
  int width = 0, height = 0, found = 0;
  if (!stbi_info_from_memory(bytes.data(), size, &width, &height, &found)) {
    throw_damaged(name, 0, std::string("is no readable PNG, JPEG or BMP picture (") + stbi_failure_reason() + ")");
  }
  if (std::int64_t{width} * height > kMostPixels) {
    throw_damaged(
        name, 0, "announces " + std::to_string(width) + " x " + std::to_string(height) + " pixels, more than are read");
  }
  int const wanted = channels != 0 ? channels : (found <= 2 ? 1 : 3);
  std::unique_ptr<stbi_uc, decltype(&stbi_image_free)> const decoded(
      stbi_load_from_memory(bytes.data(), size, &width, &height, &found, wanted), stbi_image_free);
  if (!decoded) throw_damaged(name, 0, std::string("the picture is damaged (") + stbi_failure_reason() + ")");

  Image image{wanted, height, width, {}};
  auto const area = static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  auto const depth = static_cast<std::size_t>(wanted);
  image.pixels.resize(area * depth);
  for (std::size_t c = 0; c < depth; ++c) {
    for (std::size_t p = 0; p < area; ++p) image.pixels[c * area + p] = decoded.get()[p * depth + c];
  }
  return image;
}

Image read_image(std::filesystem::path const& path, int channels) {
  return decode_image(read_file(path), path.string(), channels);
}

Image resize_image(Image const& image, std::int64_t height, std::int64_t width) {
  if (height == image.height && width == image.width) return image;
  std::vector<float> plane(image.pixels.begin(), image.pixels.end());
  plane = resample(plane, triangle_taps(image.width, width), image.channels * image.height, image.width, 1);
  plane = resample(plane, triangle_taps(image.height, height), image.channels, image.height, width);
  Image result{image.channels, height, width, {}};
  result.pixels.reserve(plane.size());
  for (float const value : plane) {
    result.pixels.push_back(static_cast<std::uint8_t>(std::clamp(std::lround(value), 0L, 255L)));
  }
  return result;
}

void write_png(std::filesystem::path const& path, std::int64_t width, std::int64_t height, std::int64_t channels,
               std::span<std::uint8_t const> pixels) {
  if (width <= 0 || height <= 0 || (channels != 1 && channels != 3) ||
      pixels.size() != static_cast<std::size_t>(width * height * channels)) {
    throw ConfigError(path.string() + ": " + std::to_string(pixels.size()) + " bytes are no picture of " +
                      std::to_string(width) + " x " + std::to_string(height) + " with " + std::to_string(channels) +
                      " channels");
  }
  std::string encoded;
  auto const collect = [](void* target, void* data, int size) {
    static_cast<std::string*>(target)->append(static_cast<char const*>(data), static_cast<std::size_t>(size));
  };
  auto const stride = static_cast<int>(width * channels);
  if (!stbi_write_png_to_func(collect, &encoded, static_cast<int>(width), static_cast<int>(height),
                              static_cast<int>(channels), pixels.data(), stride)) {
    throw IoError(path.string() + ": the picture could not be encoded");
  }
  write_file(path, encoded);
}

}  // namespace mneme
