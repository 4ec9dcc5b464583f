// Multi-layer perceptron with ReLU: input -> hidden… -> outputs; on request with batch normalisation before each ReLU,
// and of the outputs too.
//
//   init torch    weights and biases uniform in +-1/sqrt(fan in), PyTorch's default
//        xavier   weights uniform in +-sqrt(6 / (fan in + fan out)), biases 0 (Glorot and Bengio 2010, AISTATS, eq. 16)
#pragma once

#include <deque>
#include <optional>

#include "mneme/nets/batch_norm.hpp"
#include "mneme/nets/head.hpp"
#include "mneme/nets/layers.hpp"
#include "mneme/nets/net.hpp"

namespace mneme {

struct MlpOptions {
  std::vector<std::int64_t> hidden = {256, 256};
  std::string batch_norm = "none";
  std::string init = "torch";
  OutputOptions output = {};
  void describe(OptionVisitor& v) {
    v.field("hidden", hidden, {.help = "width of each hidden layer", .unit = "units", .min = 1});
    output.describe(v);
    v.field("batch_norm", batch_norm,
            {.help = "batch normalisation of the hidden layers before their ReLU, or of these and the outputs",
             .choices = {"none", "hidden", "all"},
             .source = "all: Prabhu et al. 2020, authors' code"});
    v.field("init", init,
            {.help = "weights at the start: PyTorch's default, or Xavier's uniform with biases of 0",
             .choices = {"torch", "xavier"},
             .source = "xavier: Glorot and Bengio 2010; Buzzega et al. 2020, authors' code"});
  }
};

class Mlp final : public Net {
 public:
  Mlp(ParameterArena& arena, std::int64_t inputs, MlpOptions const& options, std::int64_t outputs,
      std::string const& prefix = "");
  /// Segments are named "<prefix>fc1.weight", "<prefix>fc1.bias", … and as OutputLayer says for "<prefix>head";
  /// of normalisations "<prefix>bn1.…" and "<prefix>head.bn.…".
  Mlp(ParameterArena& arena, std::int64_t inputs, std::vector<std::int64_t> const& hidden, std::int64_t outputs,
      std::string const& prefix = "", OutputOptions const& output = {})
      : Mlp(arena, inputs, MlpOptions{.hidden = hidden, .output = output}, outputs, prefix) {}
  Output forward(at::Tensor const& x, ForwardContext const& context) override;
  void initialise(at::Generator& generator) override;
  [[nodiscard]] std::int64_t least_batch() const override { return norms_.empty() ? 1 : 2; }

 private:
  void draw_xavier(at::Generator& generator) const;

  ParameterArena* arena_;
  std::string prefix_, init_;
  std::deque<Linear> hidden_;    // a node of the graph points at its layer: addresses must stay
  std::deque<BatchNorm> norms_;  // one behind each hidden layer, or none
  OutputLayer head_;
  std::optional<BatchNorm> head_norm_;
};

}  // namespace mneme
