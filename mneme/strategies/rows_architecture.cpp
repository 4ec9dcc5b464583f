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
       .bytes = [](Json const&, MemoryShape const& m) { return m.tasks * m.features; }},
  };
}

}  // namespace mneme
