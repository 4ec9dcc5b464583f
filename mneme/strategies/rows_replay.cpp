#include "mneme/strategies/der.hpp"
#include "mneme/strategies/er.hpp"
#include "mneme/strategies/rows.hpp"

namespace mneme {
namespace {

/// With float logits.
std::int64_t buffer_and_logits_bytes(Json const& options, MemoryShape const& m) {
  return buffer_bytes(options, m) + options.at("memory").get<std::int64_t>() * m.classes * 4;
}

auto constexpr kDerPaper =
    "Buzzega et al. 2020, Dark experience for general continual learning: a strong, simple baseline, NeurIPS, "
    "arXiv:2004.07211";
auto constexpr kDerDifferences =
    "squared distance as the mean over samples and outputs, as in the authors' code; nothing is replayed during the "
    "first event; no augmentation";

}  // namespace

std::vector<StrategyRow> replay_rows() {
  return {
      {.info = {.name = "er",
                .aliases = {"replay"},
                .summary = "experience replay from a buffer of stored samples",
                .equation = "L = mean of CE over B new and B_m stored samples together",
                .paper = "Chaudhry et al. 2019, On tiny episodic memories in continual learning, arXiv:1902.10486",
                .differences = "nothing is replayed during the first event; one mean over both parts",
                .options = list_options<ErOptions>},
       .make = make_strategy<Er, ErOptions>,
       .needs = Er(ErOptions()).needs(),
       .toy = {{"memory", 12}},
       .as_naive = {{"memory", 0}},
       .memory = "M (d + 24)",
       .bytes = buffer_bytes},
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
       .bytes = buffer_and_logits_bytes},
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
       .bytes = buffer_and_logits_bytes},
  };
}

}  // namespace mneme
