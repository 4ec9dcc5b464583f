// Float64 oracles: the parameters of an arena as autograd leaves in double, and nets over them in plain torch
// operations.
#pragma once

#include <gtest/gtest.h>
#include <torch/autograd.h>
#include <torch/types.h>

#include <map>
#include <string>
#include <vector>

#include "mneme/nets/arena.hpp"

namespace mneme {

/// Largest absolute difference, relative to the largest element of `expected`.
inline double relative_error(at::Tensor const& actual, at::Tensor const& expected) {
  auto const a = actual.to(at::kDouble), e = expected.to(at::kDouble);
  return ((a - e).abs().max() / e.abs().max().clamp_min(1e-30)).item<double>();
}

struct Oracle {
  std::vector<at::Tensor> leaves;
  std::map<std::string, at::Tensor> named;

  explicit Oracle(ParameterArena const& arena) {
    for (std::size_t i = 0; i < arena.segments().size(); ++i) {
      leaves.push_back(arena.value(static_cast<int>(i)).detach().to(at::kDouble).clone().requires_grad_(true));
      named[arena.segments()[i].name] = leaves.back();
    }
  }

  /// d scalar / d parameters [P]; zero where a parameter takes no part.
  [[nodiscard]] at::Tensor gradient(at::Tensor const& scalar) const {
    auto const parts = torch::autograd::grad({scalar}, leaves, {}, true, false, true);
    std::vector<at::Tensor> flat;
    for (std::size_t i = 0; i < parts.size(); ++i)
      flat.push_back((parts[i].defined() ? parts[i] : at::zeros_like(leaves[i])).flatten());
    return at::cat(flat);
  }

  [[nodiscard]] at::Tensor linear(std::string const& name, at::Tensor const& x) const {
    return at::linear(x, named.at(name + ".weight"), named.at(name + ".bias"));
  }
  /// The output layer, linear or cosine.
  [[nodiscard]] at::Tensor head(at::Tensor const& h) const {
    if (!named.contains("head.scale")) return linear("head", h);
    auto const cosines = at::cosine_similarity(h.unsqueeze(1), named.at("head.weight").unsqueeze(0), 2, 1e-30);
    return cosines * named.at("head.scale");
  }
  [[nodiscard]] at::Tensor conv(std::string const& name, at::Tensor const& x) const {
    return at::conv2d(x, named.at(name + ".weight"), named.at(name + ".bias"), 2, 1);
  }

  /// The logits of Mlp and Cnn, told apart by their segments. x in any float type.
  [[nodiscard]] at::Tensor logits(at::Tensor const& x) const {
    auto h = x.to(at::kDouble);
    if (named.contains("conv1.weight")) h = conv("conv2", conv("conv1", h).relu()).relu();
    h = h.flatten(1);
    for (int i = 1; named.contains("fc" + std::to_string(i) + ".weight"); ++i)
      h = linear("fc" + std::to_string(i), h).relu();
    return head(h);
  }
};

}  // namespace mneme
