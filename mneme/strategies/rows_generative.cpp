#include "mneme/strategies/dgr.hpp"
#include "mneme/strategies/rows.hpp"

namespace mneme {
namespace {

/// The classifier's copy, the generator and its copy; samples are bytes, one a pixel.
std::int64_t dgr_bytes(Json const& options, MemoryShape const& m) {
  auto const number = [&](char const* key) { return options.at(key).get<std::int64_t>(); };
  VaeOptions const vae{.hidden = number("hidden"), .latent = number("latent"), .layers = number("layers")};
  return 4 * m.parameters + 8 * vae.parameters(m.sample_bytes);
}

auto constexpr kDgrMemory = "4 P + 8 P_G, P_G parameters of the generator; its optimizer takes 8 P_G more";
auto constexpr kDgrNeverNaive = "from the second event on generated samples are in every batch";
auto constexpr kDgrDifferences =
    "a VAE in place of a WGAN-GP; with a head for each task, each generated sample is answered by the head of one past "
    "task, drawn anew";

}  // namespace

std::vector<StrategyRow> generative_rows() {
  return {
      {.info = {.name = "dgr",
                .aliases = {"generative-replay"},
                .summary = "deep generative replay: samples of a VAE trained beside the classifier stand for the past",
                .equation = "L = (1/t) CE(x, y) + (1 - 1/t) CE(x~, y~), x~ of the previous generator, y~ the previous "
                            "classifier's label; the generator's loss likewise",
                .paper = "Shin et al. 2017, Continual learning with deep generative replay, NeurIPS, arXiv:1705.08690, "
                         "eq. 1; van de Ven and Tolias 2018, arXiv:1809.10635",
                .differences = kDgrDifferences,
                .options = list_options<DgrOptions>},
       .make = make_strategy<Dgr, DgrOptions>,
       .needs = Dgr(DgrOptions()).needs(),
       .toy = {{"hidden", 8}, {"latent", 2}, {"layers", 1}},
       .never_naive = kDgrNeverNaive,
       .memory = kDgrMemory,
       .bytes = dgr_bytes},
      {.info = {.name = "dgr+distill",
                .aliases = {"dgr-distill"},
                .summary = "deep generative replay with the previous classifier's probabilities in place of its labels",
                .equation = "L = (1/t) CE(x, y) - (1 - 1/t) T^2 sum_i q_i log softmax(f(x~) / T)_i, q = softmax of the "
                            "previous classifier's logits / T",
                .paper = "van de Ven and Tolias 2018, Generative replay with feedback connections as a general "
                         "strategy for continual learning, arXiv:1809.10635, sec. 3",
                .differences = kDgrDifferences,
                .options = list_options<DgrDistillOptions>},
       .make = make_strategy<Dgr, DgrDistillOptions>,
       .needs = Dgr(DgrDistillOptions()).needs(),
       .toy = {{"hidden", 8}, {"latent", 2}, {"layers", 1}},
       .never_naive = kDgrNeverNaive,
       .memory = kDgrMemory,
       .bytes = dgr_bytes},
  };
}

}  // namespace mneme
