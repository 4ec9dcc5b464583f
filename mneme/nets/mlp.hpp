// Multi-layer perceptron with ReLU: input -> hidden… -> outputs.
#pragma once

#include <deque>

#include "mneme/nets/head.hpp"
#include "mneme/nets/layers.hpp"
#include "mneme/nets/net.hpp"

namespace mneme {

struct MlpOptions {
  std::vector<std::int64_t> hidden = {256, 256};
  OutputOptions output = {};
  void describe(OptionVisitor& v) {
    v.field("hidden", hidden, {.help = "width of each hidden layer", .unit = "units", .min = 1});
    output.describe(v);
  }
};

class Mlp final : public Net {
 public:
  /// Segments are named "<prefix>fc1.weight", "<prefix>fc1.bias", … and as OutputLayer says for "<prefix>head".
  Mlp(ParameterArena& arena, std::int64_t inputs, std::vector<std::int64_t> const& hidden, std::int64_t outputs,
      std::string const& prefix = "", OutputOptions const& output = {});
  Output forward(at::Tensor const& x, ForwardContext const& context) override;
  void initialise(at::Generator& generator) override;

 private:
  std::deque<Linear> hidden_;  // a node of the graph points at its layer: addresses must stay
  OutputLayer head_;
};

}  // namespace mneme
