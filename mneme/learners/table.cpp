#include "mneme/learners/classifier.hpp"
#include "mneme/learners/cvae.hpp"
#include "mneme/learners/generative_classifier.hpp"
#include "mneme/learners/head_options.hpp"
#include "mneme/learners/lgaa.hpp"
#include "mneme/learners/progressive_vae.hpp"
#include "mneme/learners/rtf.hpp"
#include "mneme/learners/vae.hpp"

namespace mneme {
namespace {

/// The net of a classifier stands under its own key, as a name or a table with `kind`.
struct ClassifierOptions {
  HeadOptions head = {};
  InputOptions input = {};
  void describe(OptionVisitor& v) {
    head.describe(v);
    input.describe(v);
  }
};

std::unique_ptr<Learner> make_classifier(LearnerShape const& shape, Json const& options, std::string const& where,
                                         at::Generator& init) {
  auto const own = read_options<ClassifierOptions>(options, where, {"kind", "net"});
  Json net = options.contains("net") ? options["net"] : Json("mlp");
  if (net.is_string()) net = Json{{"kind", net}};
  if (!net.is_object() || !net.contains("kind") || !net["kind"].is_string())
    throw ConfigError(where + ".net: expected a name such as \"cnn\" or a table with `kind`, found " + net.dump());
  auto const& row = find_row(net_table(), "net", net["kind"].get<std::string>());
  NetShape const net_shape{shape.input, shape.classes};
  auto const make = [&row, net, net_shape, where](ParameterArena& arena) {
    return row.make(arena, net_shape, net, where + ".net");
  };
  return std::make_unique<Classifier>(make, shape.device, &init, own.head.kind(),
                                      Input(own.input, shape.input, shape.device, where));
}

template <class L, class Options>
std::unique_ptr<Learner> make_of_shape(LearnerShape const& shape, Json const& options, std::string const& where,
                                       at::Generator& init) {
  return std::make_unique<L>(shape, read_options<Options>(options, where, {"kind"}), &init);
}

std::vector<LearnerRow> make_table() {
  return {
      {{.name = "classifier",
        .summary = "a net and cross-entropy; `net` names it",
        .equation = "L = -(1/N) sum_n log softmax(f(x_n))_{y_n}",
        .options = list_options<ClassifierOptions>},
       make_classifier},
      {{.name = "vae",
        .summary = "variational autoencoder, Gaussian code, Bernoulli pixels",
        .equation = "-ELBO = BCE(x, sigmoid(decoder(z))) + KL(q(z|x) || N(0, I)), nats per image",
        .paper = "Kingma and Welling 2014, Auto-encoding variational Bayes, arXiv:1312.6114",
        .options = list_options<VaeOptions>},
       [](LearnerShape const& shape, Json const& options, std::string const& where,
          at::Generator& init) -> std::unique_ptr<Learner> {
         return std::make_unique<Vae>(shape.input, read_options<VaeOptions>(options, where, {"kind"}), shape.device,
                                      &init);
       }},
      {{.name = "cvae",
        .summary = "conditional variational autoencoder: it draws images of the class that it is asked for",
        .equation = "-ELBO = BCE(x, sigmoid(decoder(z, c))) + beta KL(q(z|x, c) || N(0, I)), nats per image",
        .paper = "Kingma, Rezende, Mohamed and Welling 2014, Semi-supervised learning with deep generative models, "
                 "arXiv:1406.5298; the fully connected net: Heng and Soh 2023, Selective amnesia, arXiv:2305.10120",
        .options = list_options<CvaeOptions>},
       make_of_shape<Cvae, CvaeOptions>},
      {{.name = "progressive-vae",
        .summary = "variational autoencoder in columns, one added for each task by the strategy pnn",
        .equation = "as vae; encoder and decoder are each a progressive net",
        .paper = "Rusu et al. 2016, Progressive neural networks, arXiv:1606.04671, eqs. 1 and 2",
        .differences = "the paper has no autoencoder; lateral layers have biases",
        .options = list_options<ProgressiveVaeOptions>},
       make_of_shape<ProgressiveVae, ProgressiveVaeOptions>},
      {{.name = "progressive-cvae",
        .summary = "conditional variational autoencoder in columns, one added for each task by the strategy pnn",
        .equation = "as progressive-vae, encoder and decoder told the class",
        .paper = "Rusu et al. 2016, Progressive neural networks, arXiv:1606.04671, eqs. 1 and 2",
        .differences = "the paper has no autoencoder; lateral layers have biases",
        .options = list_options<ProgressiveVaeOptions>},
       make_of_shape<ProgressiveCvae, ProgressiveVaeOptions>},
      {{.name = "generative-classifier",
        .summary = "one small VAE for each class; the class under which a sample is most likely",
        .equation = "L = -ELBO of the sample's own class; argmax_y log p(x|y), p(x|y) by importance samples",
        .paper = "van de Ven, Li and Tolias 2021, Class-incremental learning with generative classifiers, "
                 "arXiv:2104.10093",
        .differences = "the classes are taken to be equally likely",
        .options = list_options<GenerativeClassifierOptions>},
       make_of_shape<GenerativeClassifier, GenerativeClassifierOptions>},
      {{.name = "rtf",
        .summary = "a VAE whose encoder carries a classifier: one net that recognises and generates",
        .equation = "L = (BCE(x, sigmoid(decoder(z))) + KL(q(z|x) || N(0, I))) / pixels + CE(y, head(encoder(x)))",
        .paper = "van de Ven and Tolias 2018, Generative replay with feedback connections as a general strategy for "
                 "continual learning, arXiv:1809.10635",
        .options = list_options<RtfLearnerOptions>},
       make_of_shape<RtfLearner, RtfLearnerOptions>},
      {{.name = "bi-r",
        .summary = "rtf with a mode of the prior and an own part of the decoder for each class",
        .equation = "as rtf, KL estimated by log q(z|x) - log p(z|y), p(z|y) = N(mu_y, diag sigma_y^2) learnt",
        .paper = "van de Ven, Siegelmann and Tolias 2020, Brain-inspired replay for continual learning with "
                 "artificial neural networks, Nature Communications 11, doi:10.1038/s41467-020-17866-2",
        .differences = "pixels in place of features of pre-trained layers; gates by class in every scenario",
        .options = list_options<BirLearnerOptions>},
       make_of_shape<RtfLearner, BirLearnerOptions>},
      {{.name = "lgaa",
        .summary = "lifelong generative adversarial autoencoder: a generator of code, category and domain, a critic, "
                   "three inference nets",
        .equation = "critic: D(G) - D(x) + 10 (|| grad D || - 1)^2; generator: - D(G) + CE(q(u|G), u) + CE(q(a|G), a); "
                    "inference: || G(z, u, a) - x ||^2 + KL(q(z|x) || N(0, I)) + CE(q(u|x), y) + CE(q(a|x), task)",
        .paper = "Ye and Bors 2024, Lifelong generative adversarial autoencoder, IEEE TNNLS 35(10)",
        .differences = "made after the released code; its defects are mended and listed in learners/lgaa.hpp; the "
                       "generator regresses its codes",
        .options = list_options<LgaaOptions>},
       make_of_shape<Lgaa, LgaaOptions>},
  };
}

}  // namespace

std::span<LearnerRow const> learner_table() {
  static std::vector<LearnerRow> const table = make_table();
  return table;
}

}  // namespace mneme
