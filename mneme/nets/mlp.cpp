#include "mneme/nets/mlp.hpp"

#include <torch/types.h>

namespace mneme {
namespace {

std::deque<Linear> make_hidden(ParameterArena& arena, std::int64_t inputs, MlpOptions const& options,
                               std::string const& prefix) {
  auto const activation = options.batch_norm == "none" ? Activation::kRelu : Activation::kNone;
  std::deque<Linear> layers;
  std::int64_t in = inputs;
  for (auto const width : options.hidden) {
    layers.emplace_back(arena, prefix + "fc" + std::to_string(layers.size() + 1), in, width, activation);
    in = width;
  }
  return layers;
}

std::deque<BatchNorm> make_norms(ParameterArena& arena, MlpOptions const& options, std::string const& prefix) {
  std::deque<BatchNorm> norms;
  if (options.batch_norm == "none") return norms;
  for (auto const width : options.hidden)
    norms.emplace_back(arena, prefix + "bn" + std::to_string(norms.size() + 1), width, Activation::kRelu);
  return norms;
}

}  // namespace

Mlp::Mlp(ParameterArena& arena, std::int64_t inputs, MlpOptions const& options, std::int64_t outputs,
         std::string const& prefix)
    : hidden_(make_hidden(arena, inputs, options, prefix)),
      norms_(make_norms(arena, options, prefix)),
      head_(arena, prefix + "head", options.hidden.empty() ? inputs : options.hidden.back(), outputs, options.output) {
  if (options.batch_norm == "all") head_norm_.emplace(arena, prefix + "head.bn", outputs);
}

Output Mlp::forward(at::Tensor const& x, ForwardContext const& context) {
  at::Tensor h = x.dim() == 2 ? x : x.flatten(1);
  for (std::size_t i = 0; i < hidden_.size(); ++i) {
    h = hidden_[i].forward(h);
    if (!norms_.empty()) h = norms_[i].forward(h, context.training);
    if (context.gates && i < context.gates->size() && (*context.gates)[i].defined()) h = h * (*context.gates)[i];
  }
  auto output = head_.forward(h);
  if (head_norm_) output.logits = head_norm_->forward(output.logits, context.training);
  return output;
}

void Mlp::initialise(at::Generator& generator) {
  for (auto& layer : hidden_) layer.initialise(generator);
  for (auto& norm : norms_) norm.initialise();
  head_.initialise(generator);
  if (head_norm_) head_norm_->initialise();
}

}  // namespace mneme
