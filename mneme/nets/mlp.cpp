#include "mneme/nets/mlp.hpp"

#include <torch/types.h>

namespace mneme {
namespace {

std::deque<Linear> make_hidden(ParameterArena& arena, std::int64_t inputs, std::vector<std::int64_t> const& widths,
                               std::string const& prefix) {
  std::deque<Linear> layers;
  std::int64_t in = inputs;
  for (auto const width : widths) {
    layers.emplace_back(arena, prefix + "fc" + std::to_string(layers.size() + 1), in, width, Activation::kRelu);
    in = width;
  }
  return layers;
}

}  // namespace

Mlp::Mlp(ParameterArena& arena, std::int64_t inputs, std::vector<std::int64_t> const& hidden, std::int64_t outputs,
         std::string const& prefix, OutputOptions const& output)
    : hidden_(make_hidden(arena, inputs, hidden, prefix)),
      head_(arena, prefix + "head", hidden.empty() ? inputs : hidden.back(), outputs, output) {}

Output Mlp::forward(at::Tensor const& x, ForwardContext const& context) {
  at::Tensor h = x.dim() == 2 ? x : x.flatten(1);
  for (std::size_t i = 0; i < hidden_.size(); ++i) {
    h = hidden_[i].forward(h);
    if (context.gates && i < context.gates->size() && (*context.gates)[i].defined()) h = h * (*context.gates)[i];
  }
  return head_.forward(h);
}

void Mlp::initialise(at::Generator& generator) {
  for (auto& layer : hidden_) layer.initialise(generator);
  head_.initialise(generator);
}

}  // namespace mneme
