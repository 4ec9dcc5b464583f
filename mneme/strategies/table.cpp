#include "mneme/strategies/er.hpp"
#include "mneme/strategies/ewc.hpp"
#include "mneme/stream/makers.hpp"

namespace mneme {
namespace {

/// Strategies without hooks or options: what they do is in the stream, or nothing.
struct NoOptions {
  void describe(OptionVisitor&) {}
};

std::unique_ptr<Strategy> make_plain(Json const& options, std::string const& where) {
  read_options<NoOptions>(options, where, {"kind"});
  return std::make_unique<Strategy>();
}

template <class S, class O>
std::unique_ptr<Strategy> make(Json const& options, std::string const& where) {
  return std::make_unique<S>(read_options<O>(options, where, {"kind"}));
}

std::vector<StrategyRow> make_table() {
  return {
      {{.name = "naive",
        .aliases = {"finetune", "fine-tuning"},
        .summary = "plain training, task after task: the lower bound",
        .equation = "L = L_t",
        .options = list_options<NoOptions>},
       make_plain},
      {{.name = "joint",
        .aliases = {"offline"},
        .summary = "one run on the union of all tasks: the upper bound of most tables",
        .equation = "L = mean over the union of D_1..D_T",
        .differences = "with the epochs of one task it makes as many passes over each sample, T times the updates",
        .options = list_options<NoOptions>},
       make_plain,
       {.alone = true, .prefix = Prefix::kChanges},
       joint_of},
      {{.name = "ewc",
        .summary = "elastic weight consolidation: a quadratic penalty weighted by the diagonal Fisher information",
        .equation = "L = L_t + (lambda/2) sum_k sum_i F^k_i (theta_i - theta*_{k,i})^2;   online: F~ <- gamma F~ + F, "
                    "around the latest weights",
        .paper = "Kirkpatrick et al. 2017, Overcoming catastrophic forgetting in neural networks, arXiv:1612.00796; "
                 "online: Schwarz et al. 2018, arXiv:1805.06370",
        .differences = "none in the equation; T tasks are merged exactly into one quadratic of 2 P floats; biases and "
                       "head are included",
        .options = list_options<EwcOptions>},
       make<Ewc, EwcOptions>,
       Ewc({}).needs()},
      {{.name = "er",
        .aliases = {"replay"},
        .summary = "experience replay from a reservoir of stored samples",
        .equation = "L = mean of CE over B new and B_m stored samples together",
        .paper = "Chaudhry et al. 2019, On tiny episodic memories in continual learning, arXiv:1902.10486",
        .differences = "nothing is replayed during the first event; one mean over both parts",
        .options = list_options<ErOptions>},
       make<Er, ErOptions>,
       Er({}).needs()},
  };
}

}  // namespace

std::span<StrategyRow const> strategy_table() {
  static std::vector<StrategyRow> const table = make_table();
  return table;
}

}  // namespace mneme
