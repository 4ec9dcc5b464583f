// Net: a function from inputs to outputs whose parameters stand in an arena.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "mneme/core/registry.hpp"
#include "mneme/nets/arena.hpp"

namespace mneme {

/// Multipliers of hidden layers, by layer: [U] or [N, U]; an undefined entry leaves its layer as it is (HAT, XdG).
using Gates = std::vector<at::Tensor>;

/// How a forward pass is to be run.
struct ForwardContext {
  bool training = false;
  Gates const* gates = nullptr;
};

/// One forward pass; strategies reuse it instead of running it again.
struct Output {
  at::Tensor logits;    // [N, C]; what a VAE's decoder gives before the sigmoid, [N, D]
  at::Tensor features;  // [N, F]: last hidden layer
  std::map<std::string, at::Tensor> more;
};

class Net {
 public:
  virtual ~Net() = default;
  /// x [N, C, H, W] or [N, D], float, or token ids [N, L], int64; logits [N, outputs].
  virtual Output forward(at::Tensor const& x, ForwardContext const& context) = 0;
  virtual void initialise(at::Generator& generator) = 0;
  /// Samples that a training pass needs at least: two where a net normalises single numbers by the batch.
  [[nodiscard]] virtual std::int64_t least_batch() const { return 1; }
  /// Throws DataError for samples [N, ...], in their stored type, that the net cannot read. Default: token ids.
  virtual void check(at::Tensor const& data) const;
};

/// Shape of one input without the batch extent, and how many outputs are wanted.
struct NetShape {
  Shape input;  // [C, H, W] or [D]; tokens: [L]
  std::int64_t outputs = 0;
};

struct NetRow {
  PartInfo info;
  std::unique_ptr<Net> (*make)(ParameterArena& arena, NetShape const& shape, Json const& options,
                               std::string const& where);
  Json toy = Json::object();  // options for toy data (testing/toy.hpp)
  bool tokens = false;        // reads token ids
};

/// All classifier nets; `mneme list nets`.
std::span<NetRow const> net_table();

}  // namespace mneme
