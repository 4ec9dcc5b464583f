#include "mneme/nets/cnn.hpp"

#include <torch/types.h>

namespace mneme {
namespace {

constexpr std::int64_t half(std::int64_t extent) { return (extent + 1) / 2; }  // stride 2, kernel 3, padding 1

}  // namespace

Cnn::Cnn(ParameterArena& arena, Shape const& input, CnnOptions const& options, std::int64_t outputs)
    : conv1_(arena, "conv1", input.at(0), options.channels1, 3, 2, 1, Activation::kRelu),
      conv2_(arena, "conv2", options.channels1, options.channels2, 3, 2, 1, Activation::kRelu),
      hidden_(arena, "fc1", options.channels2 * half(half(input.at(1))) * half(half(input.at(2))), options.hidden,
              Activation::kRelu),
      head_(arena, "head", options.hidden, outputs, options.output) {}

Output Cnn::forward(at::Tensor const& x, ForwardContext const& context) {
  auto const gate = [&](at::Tensor h, std::size_t layer) {
    return context.gates && layer < context.gates->size() && (*context.gates)[layer].defined()
               ? h * (*context.gates)[layer]
               : h;
  };
  return head_.forward(gate(hidden_.forward(conv2_.forward(conv1_.forward(x)).flatten(1)), 0));
}

void Cnn::initialise(at::Generator& generator) {
  conv1_.initialise(generator);
  conv2_.initialise(generator);
  hidden_.initialise(generator);
  head_.initialise(generator);
}

}  // namespace mneme
