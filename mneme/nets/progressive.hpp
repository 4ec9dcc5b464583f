// Progressive multi-layer perceptron: columns that are put beside each other, task after task. A new column reads the
// hidden layers of the old ones through lateral connections; with one column it is an MLP.
//
//   h_i^k = f(W_i^k h_{i-1}^k + b + lateral_i)            f ReLU; none at the output
//   lateral_i = U_i relu(V_i [alpha_j h_{i-1}^j]_{j<k})   adapter: V_i maps to the width of h_{i-1}^k, alpha_j learnt
//             = sum_{j<k} U_i^j h_{i-1}^j                 linear
//
// Rusu et al. 2016, Progressive neural networks, arXiv:1606.04671, eqs. 1 and 2. Differences: U and V have biases.
#pragma once

#include <deque>
#include <functional>

#include "mneme/nets/columns.hpp"
#include "mneme/nets/layers.hpp"
#include "mneme/nets/net.hpp"

namespace mneme {

struct ProgressiveOptions {
  std::vector<std::int64_t> hidden = {256, 256};
  std::string lateral = "adapter";
  void describe(OptionVisitor& v) {
    v.field("hidden", hidden, {.help = "width of each hidden layer of a column", .unit = "units", .min = 1});
    v.field("lateral", lateral,
            {.help = "what a new column reads old ones through", .choices = {"adapter", "linear", "none"}});
  }
};

class Progressive final : public Net, public Columns {
 public:
  /// Segments of the first column are those of an MLP; those of column k begin with "column<k>.". All of them with
  /// `root` before.
  Progressive(ParameterArena& arena, std::int64_t inputs, ProgressiveOptions options, std::int64_t outputs,
              std::string root = "");
  /// Output of the selected column, of the newest if none is. Columns before it run without gradient.
  Output forward(at::Tensor const& x, ForwardContext const& context) override;
  void initialise(at::Generator& generator) override;

  void add_column(std::function<void(std::string, Shape)> const& append, at::Generator& generator) override;
  [[nodiscard]] std::int64_t columns() override;
  void select(std::int64_t column) override { selected_ = column; }
  [[nodiscard]] std::vector<int> segments(std::int64_t column) const override;

 private:
  struct Lateral {
    int scale = -1;          // segment of alpha [k], adapter only
    std::deque<Linear> in;   // V, adapter only
    std::deque<Linear> out;  // U; linear: one for each old column
  };
  struct Column {
    std::deque<Linear> layers;     // a node of the graph points at its layer: addresses must stay
    std::deque<Lateral> laterals;  // of layer i + 1
  };
  void attach();
  [[nodiscard]] std::vector<at::Tensor> run(std::size_t column, at::Tensor const& x,
                                            std::vector<std::vector<at::Tensor>> const& old, Gates const* gates) const;
  [[nodiscard]] at::Tensor lateral(Lateral const& lateral, std::size_t layer,
                                   std::vector<std::vector<at::Tensor>> const& old) const;
  [[nodiscard]] std::string prefix(std::size_t column) const;
  [[nodiscard]] std::string layer_name(std::size_t layer) const;
  void initialise(Column const& column, at::Generator& generator);

  ParameterArena* arena_;
  ProgressiveOptions options_;
  std::string root_;
  std::vector<std::int64_t> widths_;  // inputs, hidden…, outputs
  std::deque<Column> columns_;
  std::int64_t selected_ = -1;
};

}  // namespace mneme
