#include "values.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "mneme/core/errors.hpp"
#include "mneme/core/text.hpp"

namespace mneme::app {
namespace {

constexpr std::int64_t kMostSeeds = 10'000;

std::int64_t parse_seed(std::string_view text, std::string const& whole, std::string const& flag) {
  std::int64_t seed = 0;
  auto const result = std::from_chars(text.data(), text.data() + text.size(), seed);
  constexpr std::int64_t kHighest = std::int64_t{1} << 53;  // what every reader of JSON keeps exactly
  if (result.ec != std::errc() || result.ptr != text.data() + text.size() || seed < 0 || seed > kHighest)
    throw ConfigError(flag + " " + whole + ": expected a number from 0 to " + std::to_string(kHighest) +
                      " such as 3, or a range such as 0..4");
  return seed;
}

std::string formatted(char const* format, auto... values) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), format, values...);
  return text.data();
}

}  // namespace

double parse_duration(std::string const& text, std::string const& flag) {
  double scale = 1;
  std::string number = text;
  if (!number.empty()) {
    auto const unit = number.back();
    scale = unit == 'm' ? 60 : unit == 'h' ? 3600 : 1;
    if (unit == 's' || unit == 'm' || unit == 'h') number.pop_back();
  }
  auto const value = parse_number(number);
  if (!value || !(*value > 0) || !std::isfinite(*value * scale))
    throw ConfigError(flag + " " + text + ": expected a time above zero such as 90s, 10m or 1h");
  return *value * scale;
}

std::vector<std::int64_t> parse_seeds(std::string const& text, std::string const& flag) {
  auto const dots = text.find("..");
  auto const first = parse_seed(std::string_view(text).substr(0, dots), text, flag);
  auto const last = dots == std::string::npos ? first : parse_seed(std::string_view(text).substr(dots + 2), text, flag);
  if (last < first || last - first >= kMostSeeds)
    throw ConfigError(flag + " " + text +
                      ": the range runs from the lower to the higher seed, both included, and has " + "at most " +
                      std::to_string(kMostSeeds));
  std::vector<std::int64_t> seeds;
  for (auto seed = first; seed <= last; ++seed) seeds.push_back(seed);
  return seeds;
}

std::string show_bytes(std::uintmax_t bytes) {
  constexpr std::array<char const*, 5> kUnits = {"B", "kB", "MB", "GB", "TB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 999.5 && unit + 1 < kUnits.size(); ++unit) value /= 1000;
  return formatted(unit == 0 || value >= 99.5 ? "%.0f %s" : "%.1f %s", value, kUnits[unit]);
}

std::string show_seconds(double seconds) {
  auto const whole = std::llround(seconds);
  if (whole < 60) return std::to_string(whole) + " s";
  if (whole < 3600) return formatted("%lld min %02lld s", whole / 60, whole % 60);
  return formatted("%lld h %02lld min", whole / 3600, whole / 60 % 60);
}

std::string shell_line(std::vector<std::string> const& words) {
  std::string line;
  for (auto const& word : words) {
    bool plain = !word.empty();
    for (char const c : word)
      plain = plain && (std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                        std::string_view("-_./=,:@%+").find(c) != std::string_view::npos);
    line += line.empty() ? "" : " ";
    if (plain) {
      line += word;
      continue;
    }
    line += '\'';
    for (char const c : word) line += c == '\'' ? "'\\''" : std::string(1, c);
    line += '\'';
  }
  return line;
}

}  // namespace mneme::app
