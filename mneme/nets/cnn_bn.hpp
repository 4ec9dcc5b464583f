// The small convolutional net that the code of Selective Amnesia judges generated digits with: twice a 5x5 convolution,
// batch normalisation, 2x2 max pooling and ReLU, then a hidden Linear layer with ReLU and the head. With the defaults,
// 28x28 gray images and 10 classes: 21,900 parameters.
//
// Heng and Soh 2023, Selective amnesia, arXiv:2305.10120. Difference: no dropout.
#pragma once

#include "mneme/nets/batch_norm.hpp"
#include "mneme/nets/head.hpp"
#include "mneme/nets/net.hpp"

namespace mneme {

struct CnnBnOptions {
  std::int64_t channels1 = 10;
  std::int64_t channels2 = 20;
  std::int64_t hidden = 50;
  std::int64_t padding = 0;
  OutputOptions output = {};
  void describe(OptionVisitor& v);
};

class CnnBn final : public Net {
 public:
  /// input [C, H, W]. ConfigError where nothing is left of the maps.
  CnnBn(ParameterArena& arena, Shape const& input, CnnBnOptions const& options, std::int64_t outputs);
  Output forward(at::Tensor const& x, ForwardContext const& context) override;
  void initialise(at::Generator& generator) override;

 private:
  Conv2d conv1_, conv2_;
  BatchNorm norm1_, norm2_;
  Linear hidden_;
  OutputLayer head_;
};

}  // namespace mneme
