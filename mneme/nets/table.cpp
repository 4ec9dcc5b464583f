#include <c10/util/accumulate.h>

#include <utility>

#include "mneme/nets/cnn.hpp"
#include "mneme/nets/cnn_bn.hpp"
#include "mneme/nets/embedding_bag.hpp"
#include "mneme/nets/mlp.hpp"
#include "mneme/nets/progressive.hpp"
#include "mneme/nets/resnet.hpp"
#include "mneme/nets/transformer.hpp"

namespace mneme {
namespace {

void need_images(Shape const& input, std::string const& net, std::string const& where) {
  if (input.size() == 3) return;
  throw ConfigError(where + ": the " + net + " needs images [C, H, W]; the data has rows of " +
                    std::to_string(c10::multiply_integers(input)) + " numbers. Use net = \"mlp\"");
}

void need_texts(Shape const& input, std::string const& net, std::string const& where) {
  if (input.size() == 1) return;
  throw ConfigError(where + ": the " + net + " needs texts, rows of token ids; the data has samples of " +
                    std::to_string(input.size()) + " dimensions. Use net = \"cnn\" or \"mlp\"");
}

/// A row for a net of images that is made from its shape and options.
template <class Kind, class Options>
NetRow image_net(std::string const& name, std::string const& summary, std::string const& paper, Json toy) {
  return {{.name = name, .summary = summary, .paper = paper, .options = list_options<Options>},
          [](ParameterArena& arena, NetShape const& shape, Json const& options,
             std::string const& where) -> std::unique_ptr<Net> {
            need_images(shape.input, options.value("kind", std::string("net")), where);
            return std::make_unique<Kind>(arena, shape.input, read_options<Options>(options, where, {"kind"}),
                                          shape.outputs);
          },
          std::move(toy)};
}

std::vector<NetRow> make_table() {
  return {
      {{.name = "mlp",
        .summary = "multi-layer perceptron with ReLU; 784-256-256-10 by default",
        .options = list_options<MlpOptions>},
       [](ParameterArena& arena, NetShape const& shape, Json const& options,
          std::string const& where) -> std::unique_ptr<Net> {
         auto const o = read_options<MlpOptions>(options, where, {"kind"});
         return std::make_unique<Mlp>(arena, c10::multiply_integers(shape.input), o, shape.outputs);
       },
       {{"hidden", {8}}}},
      image_net<Cnn, CnnOptions>(
          "cnn", "two strided 3x3 convolutions, a hidden layer of 768 and the head; 2,435,722 parameters on 28x28", "",
          {{"channels1", 2}, {"channels2", 3}, {"hidden", 5}}),
      image_net<CnnBn, CnnBnOptions>("cnn-bn",
                                     "two 5x5 convolutions with batch normalisation and pooling, a hidden layer of 50 "
                                     "and the head; the judge of generated digits",
                                     "Heng and Soh 2023, Selective amnesia, arXiv:2305.10120; without dropout",
                                     {{"channels1", 2}, {"channels2", 3}, {"hidden", 5}, {"padding", 2}}),
      image_net<ResNet, ResNet18Options>(
          "resnet18", "reduced ResNet-18 with batch normalisation; 1,094,750 parameters on 3x32x32",
          "He et al. 2016, arXiv:1512.03385; reduced: Lopez-Paz and Ranzato 2017, arXiv:1706.08840", {{"width", 2}}),
      image_net<ResNet, ResNet32Options>("resnet32",
                                         "ResNet-32 for small images with batch normalisation; 464,154 parameters on "
                                         "3x32x32",
                                         "He et al. 2016, arXiv:1512.03385, section 4.2", {{"width", 2}}),
      {{.name = "embedding-bag",
        .summary = "text: the mean of the tokens' vectors, hidden layers and the head",
        .paper = "Joulin et al. 2017, arXiv:1607.01759",
        .options = list_options<EmbeddingBagOptions>},
       [](ParameterArena& arena, NetShape const& shape, Json const& options,
          std::string const& where) -> std::unique_ptr<Net> {
         need_texts(shape.input, "embedding-bag", where);
         return std::make_unique<EmbeddingBag>(arena, read_options<EmbeddingBagOptions>(options, where, {"kind"}),
                                               shape.outputs);
       },
       {{"vocabulary", 12}, {"width", 5}, {"hidden", {6}}},
       true},
      {{.name = "transformer",
        .summary = "text: a small transformer encoder, learned positions, normalisation before each part",
        .paper = "Vaswani et al. 2017, arXiv:1706.03762; Xiong et al. 2020, arXiv:2002.04745",
        .options = list_options<TransformerOptions>},
       [](ParameterArena& arena, NetShape const& shape, Json const& options,
          std::string const& where) -> std::unique_ptr<Net> {
         need_texts(shape.input, "transformer", where);
         return std::make_unique<Transformer>(
             arena, shape.input[0], read_options<TransformerOptions>(options, where, {"kind"}), shape.outputs);
       },
       {{"vocabulary", 12}, {"width", 8}, {"layers", 2}, {"heads", 2}, {"hidden", 10}},
       true},
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
       },
       {{"hidden", {8}}}},
  };
}

}  // namespace

std::span<NetRow const> net_table() {
  static std::vector<NetRow> const table = make_table();
  return table;
}

}  // namespace mneme
