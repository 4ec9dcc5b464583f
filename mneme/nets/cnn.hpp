// The small convolutional net of the founding EWC study: two 3x3 convolutions of stride 2 and padding 1 with ReLU, then
// a hidden Linear layer with ReLU and the head. With the defaults, 28x28 gray images and 10 classes: 2,435,722
// parameters.
#pragma once

#include "mneme/nets/head.hpp"
#include "mneme/nets/layers.hpp"
#include "mneme/nets/net.hpp"

namespace mneme {

struct CnnOptions {
  std::int64_t channels1 = 32;
  std::int64_t channels2 = 64;
  std::int64_t hidden = 768;
  OutputOptions output = {};
  void describe(OptionVisitor& v) {
    v.field("channels1", channels1, {.help = "output channels of the first convolution", .min = 1});
    v.field("channels2", channels2, {.help = "output channels of the second convolution", .min = 1});
    v.field("hidden", hidden, {.help = "width of the hidden layer before the head", .unit = "units", .min = 1});
    output.describe(v);
  }
};

class Cnn final : public Net {
 public:
  /// input [C, H, W].
  Cnn(ParameterArena& arena, Shape const& input, CnnOptions const& options, std::int64_t outputs);
  Output forward(at::Tensor const& x, ForwardContext const& context) override;
  void initialise(at::Generator& generator) override;

 private:
  Conv2d conv1_, conv2_;
  Linear hidden_;
  OutputLayer head_;
};

}  // namespace mneme
