#include "mneme/nets/mlp.hpp"

#include <torch/types.h>

#include <cmath>

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
    : arena_(&arena),
      prefix_(prefix),
      init_(options.init),
      hidden_(make_hidden(arena, inputs, options, prefix)),
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
  if (init_ == "xavier") draw_xavier(generator);
}

void Mlp::draw_xavier(at::Generator& generator) const {
  at::NoGradGuard const no_grad;
  for (auto const& segment : arena_->segments()) {
    bool const linear = segment.name.starts_with(prefix_ + "fc") || segment.name.starts_with(prefix_ + "head.");
    if (!linear) continue;
    auto const values = segment.of(arena_->value());
    if (segment.shape.size() == 2) {
      double const bound = std::sqrt(6.0 / static_cast<double>(values.size(0) + values.size(1)));
      values.copy_(at::empty(values.sizes(), at::kFloat).uniform_(-bound, bound, generator));
    } else if (segment.name.ends_with(".bias")) {
      values.zero_();  // of batch normalisation too, where it is 0 anyway
    }
  }
}

}  // namespace mneme
