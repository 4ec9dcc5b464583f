// Named random streams of one seed: `init`, `data`, `noise`, `buffer`, `strategy`, `eval`. A part that draws numbers
// never shifts another part's sequence, and every stream's state stands in the checkpoint.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace mneme {

class Archive;

/// Draws. Numbers come from the CPU and are then moved, so that a run on a GPU sees the numbers of the same run on a
/// CPU.
/// Standard normal numbers [sizes].
[[nodiscard]] at::Tensor draw_normal(at::IntArrayRef sizes, at::Generator& generator, at::Device device);
/// A random order of 0..n-1, int64 [n].
[[nodiscard]] at::Tensor draw_permutation(std::int64_t n, at::Generator& generator, at::Device device);
/// count indices in 0..n-1, uniform with replacement, int64 [count].
[[nodiscard]] at::Tensor draw_indices(std::int64_t n, std::int64_t count, at::Generator& generator, at::Device device);
/// One column per row of weights [N, C] (not negative, any sum above 0), int64 [N].
[[nodiscard]] at::Tensor draw_columns(at::Tensor const& weights, at::Generator& generator);

class RandomStreams {
 public:
  explicit RandomStreams(std::uint64_t seed) : seed_(seed) {}

  /// The stream of that name, made on first use from (seed, name).
  at::Generator& get(std::string_view name);
  /// A stream that starts anew from (seed, name) at every call: evaluation, so that a figure depends on the weights and
  /// not on how many evaluations went before.
  [[nodiscard]] at::Generator fresh(std::string_view name) const;

  /// The same streams, where they stand now; drawing from one leaves the other.
  [[nodiscard]] RandomStreams clone() const;

  [[nodiscard]] std::uint64_t seed() const { return seed_; }
  void state(Archive& archive);

 private:
  std::uint64_t seed_;
  std::map<std::string, at::Generator, std::less<>> streams_;
};

}  // namespace mneme
