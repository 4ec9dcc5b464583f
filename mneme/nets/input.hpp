// What images pass before a net.
//
//   view        training only: the image moved by up to `crop` pixels each way, with zeros from outside, and mirrored
//               left to right with probability 1/2 (`flip`); both are drawn for every sample and every time anew
//   normalise   always: (x - mean) / std by channel, as a part of the net
//
// Views are made where a step's batch is made (train/trainer.cpp, and strategies/replay.hpp for stored samples): what
// is stored is the sample as it is, and a teacher sees the view that the net is trained on. Numbers come from the CPU.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "mneme/core/options.hpp"
#include "mneme/nets/arena.hpp"

namespace mneme {

struct InputOptions {
  std::int64_t crop = 0;
  bool flip = false;
  std::vector<double> mean = {};
  std::vector<double> deviation = {};  // `std` in a configuration
  void describe(OptionVisitor& v);
};

class Input {
 public:
  Input() = default;
  /// `shape` of one sample. ConfigError where the options do not fit it; `where` is their place in the configuration.
  Input(InputOptions const& options, Shape const& shape, at::Device device, std::string const& where);

  /// x [N, C, H, W] -> the same shape.
  [[nodiscard]] at::Tensor view(at::Tensor const& x, at::Generator& generator) const;
  [[nodiscard]] bool has_views() const { return crop_ > 0 || flip_; }
  [[nodiscard]] at::Tensor normalise(at::Tensor const& x) const;

 private:
  std::int64_t crop_ = 0;
  bool flip_ = false;
  at::Tensor scale_, shift_;  // [C, 1, 1]; undefined: none
};

}  // namespace mneme
