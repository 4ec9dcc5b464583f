#include "mneme/strategies/hat.hpp"
#include "mneme/strategies/packnet.hpp"
#include "mneme/strategies/pnn.hpp"
#include "mneme/strategies/rows.hpp"
#include "mneme/strategies/xdg.hpp"

namespace mneme {

std::vector<StrategyRow> architecture_rows() {
  return {
      {.info = {.name = "xdg",
                .summary = "context-dependent gating: a fixed random part of the hidden units is off in each task",
                .equation = "h_l <- g_{t,l} o h_l,   g_{t,l} in {0, 1}^{U_l}, round(share U_l) of them 0",
                .paper = "Masse et al. 2018, Alleviating catastrophic forgetting using context-dependent gating and "
                         "synaptic stabilization, arXiv:1802.01569",
                .differences = "at least one unit of a layer stays open; joining it with EWC is a list, [\"ewc\", "
                               "\"xdg\"]",
                .options = list_options<XdgOptions>},
       .make = make_strategy<Xdg, XdgOptions>,
       .needs = Xdg({}).needs(),
       .toy = {{"share", 0.5}},
       .as_naive = {{"share", 0.0}},
       .memory = "T U, U the units of all hidden layers (U = D where there is one)",
       .bytes = [](Json const&, MemoryShape const& m) { return m.tasks * m.features; },
       .claims = {{.scenario = "task", .margin = 5}}},
      {.info = {.name = "packnet",
                .summary = "each task trains the weights that pruning left free and keeps its own for good",
                .equation = "train free weights, prune the share p of least |w|, train again, freeze;   task k at "
                            "test: w o [1 <= owner <= k]",
                .paper = "Mallya and Lazebnik 2018, PackNet: adding multiple tasks to a single network by iterative "
                         "pruning, CVPR, arXiv:1711.05769",
                .differences = "gradient scores and a threshold on |w| are additions; a task that comes again is "
                               "learnt as a further one",
                .options = list_options<PackNetOptions>},
       .make = make_strategy<PackNet, PackNetOptions>,
       .needs = PackNet(PackNetOptions()).needs(),
       .toy = {{"prune", {0.5}}},
       .never_naive = "the weights of a task are frozen after it, whatever is pruned",
       .memory = "P",
       .bytes = [](Json const&, MemoryShape const& m) { return m.parameters; },
       .claims = {{.scenario = "task", .margin = 5}}},
      {.info = {.name = "hat",
                .summary = "each task learns which hidden units it uses; what earlier tasks use is protected",
                .equation = "h_l <- sigmoid(s e_l) o h_l;   g_ij <- g_ij (1 - min(A_l[i], A_{l-1}[j]));   L = CE + c "
                            "sum a (1 - A) / sum (1 - A)",
                .paper = "Serra et al. 2018, Overcoming catastrophic forgetting with hard attention to the task, "
                         "ICML, arXiv:1801.01423",
                .differences = "the output layer is protected too; weights that are protected altogether are put back "
                               "after each step; the embeddings are trained by the run's optimizer",
                .options = list_options<HatOptions>},
       .make = make_strategy<Hat, HatOptions>,
       .needs = Hat(HatOptions()).needs(),
       .never_naive = "every hidden unit passes a gate",
       .memory = "4 T U, U the units of all hidden layers (U = D where there is one)",
       .bytes = [](Json const&, MemoryShape const& m) { return 4 * m.tasks * m.features; },
       .claims = {{.scenario = "task", .margin = 5}}},
      {.info = {.name = "pnn",
                .aliases = {"progressive"},
                .summary = "each task gets a column of the net, which reads the frozen columns before it",
                .equation = "h_i^k = f(W_i^k h_{i-1}^k + U_i relu(V_i [alpha_j h_{i-1}^j]_{j<k}))",
                .paper = "Rusu et al. 2016, Progressive neural networks, arXiv:1606.04671, eqs. 1 and 2",
                .differences = "lateral layers have biases; all columns have one shape",
                .options = list_options<NoOptions>},
       .make = make_plain<Pnn>,
       .needs = Pnn().needs(),
       .toy_net = {{"kind", "progressive"}, {"hidden", {8}}},
       .never_naive = "a new task gets a column of its own",
       .memory = "none beside the net, which grows by a column and its lateral layers with each task",
       .claims = {{.scenario = "task", .margin = 5}}},
  };
}

}  // namespace mneme
