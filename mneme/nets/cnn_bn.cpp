#include "mneme/nets/cnn_bn.hpp"

#include <torch/types.h>

#include "mneme/core/errors.hpp"
#include "mneme/nets/max_pool.hpp"

namespace mneme {
namespace {

constexpr std::int64_t kKernel = 5;

/// The extent of a map after both convolutions and poolings.
std::int64_t left_of(std::int64_t extent, std::int64_t padding) {
  for (int i = 0; i < 2; ++i) extent = (extent + 2 * padding - kKernel + 1) / 2;
  return extent;
}

std::int64_t inputs(Shape const& input, CnnBnOptions const& o) {
  auto const height = left_of(input.at(1), o.padding), width = left_of(input.at(2), o.padding);
  if (height < 1 || width < 1)
    throw ConfigError("net 'cnn-bn': two 5x5 convolutions and poolings leave nothing of images of " +
                      std::to_string(input.at(1)) + " x " + std::to_string(input.at(2)) +
                      " pixels; use padding = 2, or net = \"cnn\"");
  return o.channels2 * height * width;
}

at::Tensor pooled(at::Tensor const& maps) { return max_pool_2x2(maps).relu(); }

}  // namespace

void CnnBnOptions::describe(OptionVisitor& v) {
  v.field("channels1", channels1, {.help = "output channels of the first convolution", .min = 1});
  v.field("channels2", channels2, {.help = "output channels of the second convolution", .min = 1});
  v.field("hidden", hidden, {.help = "width of the hidden layer before the head", .unit = "units", .min = 1});
  v.field("padding", padding, {.help = "of both convolutions", .unit = "pixels", .min = 0, .max = 4});
  output.describe(v);
}

CnnBn::CnnBn(ParameterArena& arena, Shape const& input, CnnBnOptions const& options, std::int64_t outputs)
    : conv1_(arena, "conv1", input.at(0), options.channels1, kKernel, 1, options.padding),
      conv2_(arena, "conv2", options.channels1, options.channels2, kKernel, 1, options.padding),
      norm1_(arena, "bn1", options.channels1),
      norm2_(arena, "bn2", options.channels2),
      hidden_(arena, "fc1", inputs(input, options), options.hidden, Activation::kRelu),
      head_(arena, "head", options.hidden, outputs, options.output) {}

Output CnnBn::forward(at::Tensor const& x, ForwardContext const& context) {
  auto const first = pooled(norm1_.forward(conv1_.forward(x), context.training));
  auto const second = pooled(norm2_.forward(conv2_.forward(first), context.training));
  auto const h = hidden_.forward(second.flatten(1));
  auto const gated = context.gates && !context.gates->empty() && context.gates->front().defined();
  return head_.forward(gated ? h * context.gates->front() : h);
}

void CnnBn::initialise(at::Generator& generator) {
  conv1_.initialise(generator);
  conv2_.initialise(generator);
  norm1_.initialise();
  norm2_.initialise();
  hidden_.initialise(generator);
  head_.initialise(generator);
}

}  // namespace mneme
