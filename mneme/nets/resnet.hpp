// Residual nets (He et al. 2016, Deep residual learning for image recognition, CVPR, arXiv:1512.03385) for small
// images, in the two forms that continual learning uses. Block: h = relu(bn(conv(relu(bn(conv(x)))))  + s(x)), 3x3
// convolutions without bias; then the mean over all positions and the output layer.
//
//   resnet18   reduced ResNet-18 of Lopez-Paz and Ranzato 2017 (GEM) and Mammoth: stem and 4 stages of 2 blocks,
//              widths w, 2w, 4w, 8w; s is a 1x1 convolution with bn where the shape changes. w = 20, 3 channels, 10
//              classes: 1,094,750 parameters
//   resnet32   He et al., section 4.2: stem and 3 stages of 5 blocks, widths w, 2w, 4w; s takes every second pixel and
//              pads with zero channels, it has no parameters. w = 16, 3 channels, 10 classes: 464,154 parameters
//
// Initialisation: the default of PyTorch's layers, for both.
#pragma once

#include <deque>
#include <optional>

#include "mneme/nets/batch_norm.hpp"
#include "mneme/nets/head.hpp"
#include "mneme/nets/net.hpp"

namespace mneme {

struct ResNet18Options {
  std::int64_t width = 20;
  OutputOptions output = {};
  void describe(OptionVisitor& v);
};

struct ResNet32Options {
  std::int64_t width = 16;
  bool last_relu = true;
  OutputOptions output = {};
  void describe(OptionVisitor& v);
};

class ResNet final : public Net {
 public:
  ResNet(ParameterArena& arena, Shape const& input, ResNet18Options const& options, std::int64_t outputs);
  ResNet(ParameterArena& arena, Shape const& input, ResNet32Options const& options, std::int64_t outputs);
  Output forward(at::Tensor const& x, ForwardContext const& context) override;
  void initialise(at::Generator& generator) override;

 private:
  struct Plan {
    std::int64_t width, stages, blocks;  // blocks per stage
    bool projects;                       // shortcuts have parameters
    bool last_relu;
  };
  struct Projection {
    Conv2d conv;
    BatchNorm norm;
  };
  struct Block {
    Block(ParameterArena& arena, std::string const& name, std::int64_t in, std::int64_t out, std::int64_t stride,
          Plan const& plan);
    [[nodiscard]] at::Tensor forward(at::Tensor const& x, bool training) const;
    [[nodiscard]] at::Tensor shortcut(at::Tensor const& x, bool training) const;
    void initialise(at::Generator& generator) const;

    std::int64_t in, out, stride;
    bool relu = true;
    Conv2d conv1, conv2;
    BatchNorm norm1, norm2;
    std::optional<Projection> projection;
  };
  ResNet(ParameterArena& arena, Shape const& input, Plan const& plan, OutputOptions const& output,
         std::int64_t outputs);
  static std::deque<Block> make_blocks(ParameterArena& arena, Plan const& plan);

  Conv2d conv_;
  BatchNorm norm_;
  std::deque<Block> blocks_;  // a node of the graph points at its layer: addresses must stay
  OutputLayer head_;
};

}  // namespace mneme
