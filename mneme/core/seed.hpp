// Named random streams: every source of chance has its own seed, made from the run's seed and its name, so that a part
// that draws more numbers never shifts those of another.
#pragma once

#include <cstdint>
#include <string_view>

namespace mneme {

/// One step of SplitMix64 (Steele, Lea & Flood 2014): a bijection of 64-bit numbers whose output bits all depend on
/// all input bits.
constexpr std::uint64_t splitmix64(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

/// 64-bit FNV-1a hash of the bytes of `text`.
constexpr std::uint64_t fnv1a(std::string_view text) {
  std::uint64_t hash = 0xCBF29CE484222325u;
  for (char const c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  return hash;
}

/// The seed of the stream `name` ("init", "data", "buffer", ...) of a run: splitmix64(splitmix64(seed) xor
/// fnv1a(name)). Part of what makes old runs repeatable: its values never change.
constexpr std::uint64_t stream_seed(std::uint64_t seed, std::string_view name) {
  return splitmix64(splitmix64(seed) ^ fnv1a(name));
}

}  // namespace mneme
