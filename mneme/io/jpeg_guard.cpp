#include "mneme/io/jpeg_guard.hpp"

#include <algorithm>
#include <cstddef>

namespace mneme {
namespace {

constexpr std::uint8_t kHuffmanTables = 0xC4;
constexpr std::uint8_t kFirstRestart = 0xD0;
constexpr std::uint8_t kLastRestart = 0xD7;
constexpr std::uint8_t kImageBegin = 0xD8;
constexpr std::uint8_t kImageEnd = 0xD9;
constexpr std::uint8_t kScan = 0xDA;
constexpr std::size_t kLengths = 16;     // code lengths 1 to 16, each with its number of codes
constexpr std::size_t kMostCodes = 255;  // no encoder needs more; stb_image marks a missing entry with 255

/// Walks the markers as a tolerant decoder does: padding before a marker is skipped.
class MarkerWalk {
 public:
  explicit MarkerWalk(std::span<std::uint8_t const> bytes) : rest_(bytes) {}

  bool tables_fit() {
    if (rest_.empty() || rest_.front() != 0xFF || next_marker() != kImageBegin) return true;  // no JPEG
    while (!rest_.empty()) {
      std::uint8_t const marker = next_marker();
      if (marker == kImageEnd) return true;
      auto const segment = take(length());
      if (marker == kHuffmanTables && !fits(segment)) return false;
      if (marker == kScan) skip_entropy_coded_data();
    }
    return true;
  }

 private:
  static bool is_data_or_restart(std::uint8_t after_ff) {
    return after_ff == 0 || (after_ff >= kFirstRestart && after_ff <= kLastRestart);
  }

  std::span<std::uint8_t const> take(std::size_t count) {
    count = std::min(count, rest_.size());
    auto const taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }

  std::uint8_t next_byte() {
    auto const byte = take(1);
    return byte.empty() ? kImageEnd : byte.front();
  }

  std::uint8_t next_marker() {
    while (!rest_.empty() && rest_.front() != 0xFF) take(1);
    std::uint8_t marker = 0xFF;
    while (marker == 0xFF) marker = next_byte();
    return marker;
  }

  /// Of a segment, without the two bytes that hold it.
  std::size_t length() {
    auto const bytes = take(2);
    std::size_t const stated = bytes.size() < 2 ? 0 : std::size_t{bytes[0]} << 8 | bytes[1];
    return std::max<std::size_t>(stated, 2) - 2;
  }

  static bool fits(std::span<std::uint8_t const> tables) {
    while (tables.size() > kLengths) {
      std::size_t codes = 0;
      for (std::size_t i = 1; i <= kLengths; ++i) codes += tables[i];
      if (codes > kMostCodes) return false;
      tables = tables.subspan(std::min(tables.size(), 1 + kLengths + codes));
    }
    return tables.empty();  // a table cut off by its segment would be read past it
  }

  void skip_entropy_coded_data() {
    for (; !rest_.empty(); take(1)) {
      if (rest_.front() != 0xFF) continue;
      auto const after = std::find_if(rest_.begin(), rest_.end(), [](std::uint8_t b) { return b != 0xFF; });
      if (after == rest_.end() || !is_data_or_restart(*after)) return;
      take(static_cast<std::size_t>(after - rest_.begin()));
    }
  }

  std::span<std::uint8_t const> rest_;
};

}  // namespace

bool jpeg_tables_fit(std::span<std::uint8_t const> bytes) { return MarkerWalk(bytes).tables_fit(); }

}  // namespace mneme
