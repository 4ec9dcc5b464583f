#include "mneme/nets/resnet.hpp"

#include <torch/types.h>

namespace mneme {

void ResNet18Options::describe(OptionVisitor& v) {
  v.field("width", width,
          {.help = "channels of the first stage; the later three have 2, 4 and 8 times as many",
           .min = 1,
           .source = "Lopez-Paz and Ranzato 2017"});
  output.describe(v);
}

void ResNet32Options::describe(OptionVisitor& v) {
  v.field("width", width,
          {.help = "channels of the first stage; the later two have 2 and 4 times as many",
           .min = 1,
           .source = "He et al. 2016, section 4.2"});
  v.field("last_relu", last_relu,
          {.help = "ReLU at the end of the last block; false: features of both signs, for a cosine output",
           .source = "false: Hou et al. 2019"});
  output.describe(v);
}

// ----------------------------------------------------------------------------------------------------------- blocks

namespace {

/// Without bias, which the normalisation behind it would take away again; the map keeps its size over the stride.
Conv2d convolution(ParameterArena& arena, std::string const& name, std::int64_t in, std::int64_t out,
                   std::int64_t kernel, std::int64_t stride) {
  return {arena, name, in, out, kernel, stride, kernel / 2, Activation::kNone, false};
}

}  // namespace

ResNet::Block::Block(ParameterArena& arena, std::string const& name, std::int64_t inputs, std::int64_t outputs,
                     std::int64_t step, Plan const& plan)
    : in(inputs),
      out(outputs),
      stride(step),
      conv1(convolution(arena, name + ".conv1", in, out, 3, stride)),
      conv2(convolution(arena, name + ".conv2", out, out, 3, 1)),
      norm1(arena, name + ".bn1", out, Activation::kRelu),
      norm2(arena, name + ".bn2", out) {
  if (plan.projects && (stride != 1 || in != out))
    projection.emplace(
        Projection{convolution(arena, name + ".shortcut", in, out, 1, stride), {arena, name + ".shortcut.bn", out}});
}

at::Tensor ResNet::Block::shortcut(at::Tensor const& x, bool training) const {
  if (projection) return projection->norm.forward(projection->conv.forward(x), training);
  if (stride == 1 && in == out) return x;
  auto const before = (out - in) / 2;
  auto const seen = x.slice(2, 0, x.size(2), stride).slice(3, 0, x.size(3), stride);
  return at::constant_pad_nd(seen, {0, 0, 0, 0, before, out - in - before});
}

at::Tensor ResNet::Block::forward(at::Tensor const& x, bool training) const {
  auto const h = norm2.forward(conv2.forward(norm1.forward(conv1.forward(x), training)), training);
  auto const sum = h + shortcut(x, training);
  return relu ? at::relu(sum) : sum;
}

void ResNet::Block::initialise(at::Generator& generator) const {
  conv1.initialise(generator);
  conv2.initialise(generator);
  norm1.initialise();
  norm2.initialise();
  if (!projection) return;
  projection->conv.initialise(generator);
  projection->norm.initialise();
}

std::deque<ResNet::Block> ResNet::make_blocks(ParameterArena& arena, Plan const& plan) {
  std::deque<Block> blocks;
  auto in = plan.width;
  for (std::int64_t stage = 0; stage < plan.stages; ++stage) {
    auto const out = plan.width << stage;
    for (std::int64_t block = 0; block < plan.blocks; ++block) {
      auto const name = "layer" + std::to_string(stage + 1) + "." + std::to_string(block + 1);
      blocks.emplace_back(arena, name, in, out, stage > 0 && block == 0 ? 2 : 1, plan);
      in = out;
    }
  }
  blocks.back().relu = plan.last_relu;
  return blocks;
}

// --------------------------------------------------------------------------------------------------------- the nets

ResNet::ResNet(ParameterArena& arena, Shape const& input, Plan const& plan, OutputOptions const& output,
               std::int64_t outputs)
    : conv_(convolution(arena, "conv1", input.at(0), plan.width, 3, 1)),
      norm_(arena, "bn1", plan.width, Activation::kRelu),
      blocks_(make_blocks(arena, plan)),
      head_(arena, "head", plan.width << (plan.stages - 1), outputs, output) {}

ResNet::ResNet(ParameterArena& arena, Shape const& input, ResNet18Options const& options, std::int64_t outputs)
    : ResNet(arena, input, {.width = options.width, .stages = 4, .blocks = 2, .projects = true, .last_relu = true},
             options.output, outputs) {}

ResNet::ResNet(ParameterArena& arena, Shape const& input, ResNet32Options const& options, std::int64_t outputs)
    : ResNet(arena, input,
             {.width = options.width, .stages = 3, .blocks = 5, .projects = false, .last_relu = options.last_relu},
             options.output, outputs) {}

Output ResNet::forward(at::Tensor const& x, ForwardContext const& context) {
  auto h = norm_.forward(conv_.forward(x), context.training);
  for (auto const& block : blocks_) h = block.forward(h, context.training);
  return head_.forward(h.mean({2, 3}));
}

void ResNet::initialise(at::Generator& generator) {
  conv_.initialise(generator);
  norm_.initialise();
  for (auto const& block : blocks_) block.initialise(generator);
  head_.initialise(generator);
}

}  // namespace mneme
