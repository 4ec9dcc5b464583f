// What layers that write into the arena are made of: nodes of the autograd graph, and the sink's rules. Only sources of
// layers include it.
#pragma once

#include <torch/autograd.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/types.h>

#include <cmath>
#include <initializer_list>
#include <memory>
#include <type_traits>

#include "mneme/nets/arena.hpp"

namespace mneme::node {

using torch::autograd::Node;
using torch::autograd::variable_list;

/// What the graph holds its nodes by: a shared_ptr up to torch 2.14, an intrusive_ptr since.
using Handle = decltype(torch::autograd::Edge::function);

template <class N>
auto make() {
  if constexpr (std::is_same_v<Handle, std::shared_ptr<Node>>)
    return std::make_shared<N>();
  else
    return c10::make_intrusive<N>();
}

/// Hangs `node` behind `output` in the graph, with `input` before it.
inline void connect(Handle const& node, at::Tensor const& input, at::Tensor& output) {
  node->set_next_edges(torch::autograd::collect_next_edges(input));
  torch::autograd::set_history(output, node);
}

/// Opens a layer's segments for writing; true if they already hold something that must be added to.
inline bool claim(GradientSink& sink, std::initializer_list<int> segments) {
  bool again = false;
  for (int const id : segments) again |= sink.claim(id);
  return again;
}

/// The same for squares, which another use of the layer must not have written to.
inline void claim_alone(GradientSink& sink, ParameterArena const& arena, std::initializer_list<int> segments) {
  if (claim(sink, segments)) throw LayerReused{arena.segments()[static_cast<std::size_t>(*segments.begin())].name};
}

/// For layers that know the sum and squares: another reduction is made from one sample at a time, as where a layer is
/// used twice.
inline void need_squares(GradientSink const& sink, ParameterArena const& arena, int segment) {
  if (sink.reduction() == Reduction::kSumOfSquares || sink.reduction() == Reduction::kExpectedSquares) return;
  throw LayerReused{arena.segments()[static_cast<std::size_t>(segment)].name};
}

inline void put(at::Tensor const& target, at::Tensor const& value, bool add) {
  if (add)
    target.add_(value);
  else
    target.copy_(value);
}

/// Uniform in +-1/sqrt(inputs of one output of `weight`), the default of PyTorch's layers.
inline void initialise_uniform(at::Tensor const& weight, std::initializer_list<at::Tensor> parameters,
                               at::Generator& generator) {
  at::NoGradGuard const no_grad;
  auto const inputs = weight.numel() / weight.size(0);
  double const bound = 1.0 / std::sqrt(static_cast<double>(inputs));
  for (auto const& tensor : parameters)
    tensor.copy_(at::empty(tensor.sizes(), at::kFloat).uniform_(-bound, bound, generator));
}

}  // namespace mneme::node
