#include "mneme/nets/mlp.hpp"

#include <torch/types.h>

namespace mneme {

Mlp::Mlp(ParameterArena& arena, std::int64_t inputs, std::vector<std::int64_t> const& hidden, std::int64_t outputs,
         std::string const& prefix) {
  std::int64_t width = inputs;
  for (std::size_t i = 0; i < hidden.size(); ++i) {
    layers_.emplace_back(arena, prefix + "fc" + std::to_string(i + 1), width, hidden[i], Activation::kRelu);
    width = hidden[i];
  }
  layers_.emplace_back(arena, prefix + "head", width, outputs);
}

Output Mlp::forward(at::Tensor const& x, ForwardContext const& context) {
  at::Tensor h = x.dim() == 2 ? x : x.flatten(1);
  for (std::size_t i = 0; i + 1 < layers_.size(); ++i) {
    h = layers_[i].forward(h);
    if (context.gates && i < context.gates->size() && (*context.gates)[i].defined()) h = h * (*context.gates)[i];
  }
  return {.logits = layers_.back().forward(h), .features = h, .more = {}};
}

void Mlp::initialise(at::Generator& generator) {
  for (auto& layer : layers_) layer.initialise(generator);
}

}  // namespace mneme
