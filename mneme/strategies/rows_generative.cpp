#include "mneme/strategies/dgr.hpp"
#include "mneme/strategies/rows.hpp"
#include "mneme/strategies/rtf.hpp"
#include "mneme/strategies/self_replay.hpp"

namespace mneme {
namespace {

/// The classifier's copy, the generator and its copy; samples are bytes, one a pixel.
std::int64_t dgr_bytes(Json const& options, MemoryShape const& m) {
  auto const number = [&](char const* key) { return options.at(key).get<std::int64_t>(); };
  VaeOptions const vae{.hidden = number("hidden"), .latent = number("latent"), .layers = number("layers")};
  return 4 * m.parameters + 8 * vae.parameters(m.sample_bytes);
}

std::unique_ptr<Strategy> make_rtf(Json const& options, std::string const& where) {
  return std::make_unique<Rtf>(read_options<RtfOptions>(options, where, {"kind"}), "rtf");
}
std::unique_ptr<Strategy> make_bir(Json const& options, std::string const& where) {
  return std::make_unique<Rtf>(read_options<RtfOptions>(options, where, {"kind"}), "bi-r");
}
std::int64_t copy_bytes(Json const&, MemoryShape const& m) { return 4 * m.parameters; }

auto constexpr kDgrMemory = "4 P + 8 P_G, P_G parameters of the generator; its optimizer takes 8 P_G more";
auto constexpr kNeverNaive = "from the second event on generated samples are in every batch";
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
       .never_naive = kNeverNaive,
       .memory = kDgrMemory,
       .bytes = dgr_bytes,
       .claims = {{.scenario = "class", .margin = 10}}},
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
       .never_naive = kNeverNaive,
       .memory = kDgrMemory,
       .bytes = dgr_bytes,
       .claims = {{.scenario = "class", .margin = 10}}},
      {.info = {.name = "rtf",
                .aliases = {"replay-through-feedback"},
                .summary = "replay through feedback: the learner `rtf` replays its own samples",
                .equation = "L = (1/t) [G(x) + CE(x, y)] + (1 - 1/t) [G(x~) + T^2 KD(x~)], G = (BCE + KL) / pixels, x~ "
                            "of the previous net",
                .paper = "van de Ven and Tolias 2018, Generative replay with feedback connections as a general "
                         "strategy for continual learning, arXiv:1809.10635, sec. 3",
                .differences = "with a head for each task, each generated sample is answered by the head of one past "
                               "task, drawn anew",
                .options = list_options<RtfOptions>},
       .make = make_rtf,
       .needs = Rtf(RtfOptions(), "rtf").needs(),
       .never_naive = kNeverNaive,
       .memory = "4 P",
       .bytes = copy_bytes,
       .claims = {{.scenario = "class", .margin = 10}}},
      {.info = {.name = "bi-r",
                .aliases = {"brain-inspired-replay"},
                .summary = "brain-inspired replay: the learner `bi-r` replays its own samples class by class",
                .equation =
                    "as rtf; x~ of a class y drawn from those learnt, z from N(mu_y, diag sigma_y^2), y's units "
                    "of the decoder off; KL with the modes weighted by q",
                .paper = "van de Ven, Siegelmann and Tolias 2020, Brain-inspired replay for continual learning with "
                         "artificial neural networks, Nature Communications 11, doi:10.1038/s41467-020-17866-2",
                .differences = "pixels are replayed, not features of pre-trained layers; gates go by class in every "
                               "scenario, of a generated sample by the class that it was drawn for; heads as rtf",
                .options = list_options<RtfOptions>},
       .make = make_bir,
       .needs = Rtf(RtfOptions(), "bi-r").needs(),
       .never_naive = kNeverNaive,
       .memory = "4 P",
       .bytes = copy_bytes,
       .claims = {{.scenario = "class", .margin = 10}}},
      {.info = {.name = "self-replay",
                .summary = "a generative model replays what it drew itself after the last task",
                .equation = "L = (1/t) l(x) + (1 - 1/t) l(x~), l = -ELBO, x~ of the model after task t - 1",
                .paper = "Shin et al. 2017, Continual learning with deep generative replay, NeurIPS, arXiv:1705.08690, "
                         "sec. 3: the generator's part",
                .differences = "a VAE in place of a WGAN-GP",
                .options = list_options<SelfReplayOptions>},
       .make = make_strategy<SelfReplay, SelfReplayOptions>,
       .needs = SelfReplay(SelfReplayOptions()).needs(),
       .never_naive = kNeverNaive,
       .memory = "4 P",
       .bytes = copy_bytes},
  };
}

}  // namespace mneme
