#include <c10/util/accumulate.h>

#include "mneme/nets/cnn.hpp"
#include "mneme/nets/mlp.hpp"
#include "mneme/nets/progressive.hpp"

namespace mneme {
namespace {

std::vector<NetRow> make_table() {
  return {
      {{.name = "mlp",
        .summary = "multi-layer perceptron with ReLU; 784-256-256-10 by default",
        .options = list_options<MlpOptions>},
       [](ParameterArena& arena, NetShape const& shape, Json const& options,
          std::string const& where) -> std::unique_ptr<Net> {
         auto const o = read_options<MlpOptions>(options, where, {"kind"});
         return std::make_unique<Mlp>(arena, c10::multiply_integers(shape.input), o.hidden, shape.outputs, "",
                                      o.output);
       }},
      {{.name = "cnn",
        .summary = "two strided 3x3 convolutions, a hidden layer of 768 and the head; 2,435,722 parameters on 28x28",
        .options = list_options<CnnOptions>},
       [](ParameterArena& arena, NetShape const& shape, Json const& options,
          std::string const& where) -> std::unique_ptr<Net> {
         auto const o = read_options<CnnOptions>(options, where, {"kind"});
         if (shape.input.size() != 3)
           throw ConfigError(where + ": the cnn needs images [C, H, W]; the data has rows of " +
                             std::to_string(c10::multiply_integers(shape.input)) + " numbers. Use net = \"mlp\"");
         return std::make_unique<Cnn>(arena, shape.input, o, shape.outputs);
       }},
      {{.name = "progressive",
        .summary = "columns of an MLP, one added for each task by the strategy pnn",
        .paper = "Rusu et al. 2016, Progressive neural networks, arXiv:1606.04671",
        .differences = "lateral layers have biases",
        .options = list_options<ProgressiveOptions>},
       [](ParameterArena& arena, NetShape const& shape, Json const& options,
          std::string const& where) -> std::unique_ptr<Net> {
         return std::make_unique<Progressive>(arena, c10::multiply_integers(shape.input),
                                              read_options<ProgressiveOptions>(options, where, {"kind"}),
                                              shape.outputs);
       }},
  };
}

}  // namespace

std::span<NetRow const> net_table() {
  static std::vector<NetRow> const table = make_table();
  return table;
}

}  // namespace mneme
