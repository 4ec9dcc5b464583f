#include "mneme/strategies/der.hpp"
#include "mneme/strategies/er.hpp"
#include "mneme/strategies/er_ace.hpp"
#include "mneme/strategies/er_aml.hpp"
#include "mneme/strategies/fdr.hpp"
#include "mneme/strategies/gss.hpp"
#include "mneme/strategies/mir.hpp"
#include "mneme/strategies/rows.hpp"

namespace mneme {
namespace {

/// With C floats for each sample: logits, probabilities.
std::int64_t buffer_and_outputs_bytes(Json const& options, MemoryShape const& m) {
  return buffer_bytes(options, m) + options.at("memory").get<std::int64_t>() * m.classes * 4;
}

auto constexpr kCacciaPaper =
    "Caccia et al. 2022, New insights on reducing abrupt representation change in online continual learning, ICLR, "
    "arXiv:2104.05025";
auto constexpr kDerPaper =
    "Buzzega et al. 2020, Dark experience for general continual learning: a strong, simple baseline, NeurIPS, "
    "arXiv:2004.07211";
auto constexpr kDerDifferences =
    "squared distance as the mean over samples and outputs, as in the authors' code; nothing is replayed during the "
    "first event unless from_start is set";

}  // namespace

std::vector<StrategyRow> replay_rows() {
  return {
      {.info = {.name = "er",
                .aliases = {"replay"},
                .summary = "experience replay from a buffer of stored samples",
                .equation = "L = mean of CE over B new and B_m stored samples together",
                .paper = "Chaudhry et al. 2019, On tiny episodic memories in continual learning, arXiv:1902.10486",
                .differences =
                    "nothing is replayed during the first event unless from_start is set; one mean over both parts",
                .options = list_options<ErOptions>},
       .make = make_strategy<Er, ErOptions>,
       .needs = Er(ErOptions()).needs(),
       .toy = {{"memory", 12}},
       .as_naive = {{"memory", 0}},
       .memory = "M (d + 24)",
       .bytes = buffer_bytes,
       .claims = {{.scenario = "class", .options = {{"memory", 500}}, .margin = 30}}},
      {.info = {.name = "er-ace",
                .summary = "replay in which new samples compete only with classes of their own batch",
                .equation =
                    "L = mean CE over B new samples, softmax over the classes present among them + mean CE over "
                    "B_m stored samples, softmax over the classes seen so far",
                .paper = kCacciaPaper,
                .differences = "nothing is masked or replayed during the first event; a head's own mask holds as well",
                .options = list_options<ErAceOptions>},
       .make = make_strategy<ErAce, ErAceOptions>,
       .needs = ErAce(ErAceOptions()).needs(),
       .toy = {{"memory", 12}},
       .as_naive = {{"memory", 0}},
       .memory = "M (d + 24) + C",
       .bytes = [](Json const& options, MemoryShape const& m) { return buffer_bytes(options, m) + m.classes; },
       .claims = {{.scenario = "class", .options = {{"memory", 500}}, .margin = 30}}},
      {.info = {.name = "er-aml",
                .summary = "replay in which new samples are drawn together on the features and meet no classifier",
                .equation =
                    "L = mean CE over B_m stored samples - (tau/tau_b) mean over new i, and j of its class in K, "
                    "of log(exp(s_ij) / sum over k in K of exp(s_ik)),   s = cos(h_i, h_j) / tau",
                .paper = kCacciaPaper,
                .differences = "nothing is changed during the first event; constants of the authors' code",
                .options = list_options<ErAmlOptions>},
       .make = make_strategy<ErAml, ErAmlOptions>,
       .needs = ErAml(ErAmlOptions()).needs(),
       .toy = {{"memory", 12}},
       .as_naive = {{"memory", 0}},
       .memory = "M (d + 24)",
       .bytes = buffer_bytes,
       .claims = {{.scenario = "class", .options = {{"memory", 500}}, .margin = 30}}},
      {.info = {.name = "mir",
                .summary = "replays the stored samples whose loss the coming step would raise most",
                .equation = "L = mean CE over B new samples and the k of C candidates with the largest l(x; theta - lr "
                            "grad L(new)) - l(x; theta)",
                .paper = "Aljundi et al. 2019, Online continual learning with maximally interfered retrieval, NeurIPS, "
                         "arXiv:1908.04742",
                .differences = "candidates also of the current task; one mean over new and replayed samples, where the "
                               "authors' code adds two; nothing is replayed during the first event",
                .options = list_options<MirOptions>},
       .make = make_strategy<Mir, MirOptions>,
       .needs = Mir(MirOptions()).needs(),
       .toy = {{"memory", 12}, {"candidates", 8}, {"batch", 4}},
       .as_naive = {{"memory", 0}},
       .memory = "M (d + 24)",
       .bytes = buffer_bytes,
       .claims = {{.scenario = "class", .options = {{"memory", 500}}, .margin = 20}}},
      {.info = {.name = "gss",
                .aliases = {"gss-greedy"},
                .summary = "replay from a buffer of samples whose gradients point in different directions",
                .equation =
                    "L as er; s(x) = max_j cos(g(x), G_j) over n subsets of the memory; slots drawn by s - min s, "
                    "slot i gives way with probability s'_i / (s'_i + s'_new), s' = (s + 1) / 2",
                .paper = "Aljundi et al. 2019, Gradient based sample selection for online continual learning, NeurIPS, "
                         "arXiv:1903.08671, alg. 2",
                .differences =
                    "nothing is replayed during the first event unless from_start is set; a batch is judged as a "
                    "whole first, as in the authors' code; gradients in evaluation mode",
                .options = list_options<GssOptions>},
       .make = make_strategy<Gss, GssOptions>,
       .needs = Gss(GssOptions()).needs(),
       .toy = {{"memory", 12}, {"subsets", 3}, {"subset_size", 4}},
       .as_naive = {{"memory", 0}},
       .memory = "M (d + 28)",
       .bytes =
           [](Json const& options, MemoryShape const& m) {
             return buffer_bytes(options, m) + 4 * options.at("memory").get<std::int64_t>();
           },
       .claims = {{.scenario = "class", .options = {{"memory", 500}}, .margin = 10}}},
      {.info = {.name = "der",
                .summary = "dark experience replay: stored samples keep the logits they had when they were stored",
                .equation = "L = CE + alpha mean over B_m samples and C outputs of (f(x') - z')^2",
                .paper = kDerPaper,
                .differences = kDerDifferences,
                .options = list_options<DerOptions>},
       .make = make_strategy<Der, DerOptions>,
       .needs = Der(DerOptions()).needs(),
       .toy = {{"memory", 12}},
       .as_naive = {{"alpha", 0.0}},
       .memory = "M (d + 4 C + 24)",
       .bytes = buffer_and_outputs_bytes,
       .claims = {{.scenario = "class", .options = {{"memory", 500}, {"alpha", 1.0}}, .margin = 10}}},
      {.info = {.name = "der++",
                .aliases = {"derpp"},
                .summary = "dark experience replay with the labels of a second draw beside the logits of the first",
                .equation = "L = CE + alpha mean of (f(x') - z')^2 + beta CE(x'', y'')",
                .paper = kDerPaper,
                .differences = kDerDifferences,
                .options = list_options<DerPlusPlusOptions>},
       .make = make_strategy<Der, DerPlusPlusOptions>,
       .needs = Der(DerPlusPlusOptions()).needs(),
       .toy = {{"memory", 12}},
       .as_naive = {{"alpha", 0.0}, {"beta", 0.0}},
       .memory = "M (d + 4 C + 24)",
       .bytes = buffer_and_outputs_bytes,
       .claims = {{.scenario = "class", .options = {{"memory", 500}, {"alpha", 1.0}}, .margin = 30}}},
      {.info = {.name = "fdr",
                .summary = "function distance regularisation: outputs on stored samples stay near those at the end of "
                           "their task",
                .equation = "L = CE + alpha mean over B_m stored samples of || softmax f(x') - p' ||_2",
                .paper = "Benjamin et al. 2019, Measuring and regularizing networks in function space, ICLR, "
                         "arXiv:1805.08289; with alpha: Buzzega et al. 2020, arXiv:2004.07211",
                .differences = "one step on both terms, where the code of Buzzega et al. makes two and ignores alpha",
                .options = list_options<FdrOptions>},
       .make = make_strategy<Fdr, FdrOptions>,
       .needs = Fdr(FdrOptions()).needs(),
       .toy = {{"memory", 12}},
       .as_naive = {{"alpha", 0.0}},
       .memory = "M (d + 4 C + 24)",
       .bytes = buffer_and_outputs_bytes,
       .claims = {{.scenario = "class", .options = {{"memory", 500}}, .margin = 10}}},
  };
}

}  // namespace mneme
