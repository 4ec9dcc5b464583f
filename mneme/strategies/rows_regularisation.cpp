#include "mneme/strategies/ewc.hpp"
#include "mneme/strategies/mas.hpp"
#include "mneme/strategies/rows.hpp"
#include "mneme/strategies/rwalk.hpp"
#include "mneme/strategies/si.hpp"

namespace mneme {

std::vector<StrategyRow> regularisation_rows() {
  return {
      {.info = {.name = "ewc",
                .summary =
                    "elastic weight consolidation: a quadratic penalty weighted by the diagonal Fisher information",
                .equation = "L = L_t + (lambda/2) sum_k sum_i F^k_i (theta_i - theta*_{k,i})^2;   online: F~ <- gamma "
                            "F~ + F, around the latest weights",
                .paper = "Kirkpatrick et al. 2017, Overcoming catastrophic forgetting in neural networks, "
                         "arXiv:1612.00796; online: Schwarz et al. 2018, arXiv:1805.06370",
                .differences = "none in the equation; T tasks are merged exactly into one quadratic of 2 P floats; "
                               "biases and head are included; other conventions on request",
                .options = list_options<EwcOptions>},
       .make = make_strategy<Ewc, EwcOptions>,
       .needs = Ewc(EwcOptions()).needs(),
       .toy = {{"samples", 20}},
       .as_naive = {{"lambda", 0.0}},
       .memory = "8 P",
       .bytes = [](Json const&, MemoryShape const& m) { return 8 * m.parameters; },
       .claims = {{.scenario = "task", .options = {{"lambda", 1e7}}, .margin = 5},
                  {.scenario = "class", .margin = 5, .fails = true}}},
      {.info = {.name = "si",
                .aliases = {"synaptic-intelligence"},
                .summary = "synaptic intelligence: a quadratic penalty weighted by what each parameter's path gained",
                .equation = "L = L_t + c sum_i Omega_i (theta_i - theta*_i)^2;   Omega_i += relu(omega_i / ((theta_i - "
                            "start_i)^2 + xi)),   omega_i = - sum over steps of g_i (change of theta_i)",
                .paper = "Zenke et al. 2017, Continual learning through synaptic intelligence, arXiv:1703.04200",
                .differences =
                    "none known; g is the gradient without the penalty, before clipping; van de Ven's form on "
                    "request",
                .options = list_options<SiOptions>},
       .make = make_strategy<Si, SiOptions>,
       .needs = Si(SiOptions()).needs(),
       .as_naive = {{"c", 0.0}},
       .memory = "12 P",
       .bytes = [](Json const&, MemoryShape const& m) { return 12 * m.parameters; },
       .claims = {{.scenario = "task", .options = {{"c", 10.0}}, .margin = 5},
                  {.scenario = "class", .margin = 5, .fails = true}}},
      {.info = {.name = "mas",
                .aliases = {"memory-aware-synapses"},
                .summary = "memory aware synapses: a quadratic penalty weighted by how sensitive the output is",
                .equation = "L = L_t + lambda sum_i Omega_i (theta_i - theta*_i)^2;   Omega_i += (1/N) sum_n |d "
                            "||f(x_n)||^2 / d theta_i|",
                .paper = "Aljundi et al. 2018, Memory aware synapses: learning what (not) to forget, arXiv:1711.09601",
                .differences = "none known; f(x) are the outputs that take part in the softmax; peers' norm, average "
                               "and batch means on request",
                .options = list_options<MasOptions>},
       .make = make_strategy<Mas, MasOptions>,
       .needs = Mas(MasOptions()).needs(),
       .as_naive = {{"lambda", 0.0}},
       .memory = "8 P",
       .bytes = [](Json const&, MemoryShape const& m) { return 8 * m.parameters; },
       .claims = {{.scenario = "task", .margin = 5}}},
      {.info = {.name = "rwalk",
                .aliases = {"riemannian-walk"},
                .summary = "Riemannian walk: a quadratic penalty weighted by Fisher information and by what each "
                           "parameter's path gained",
                .equation = "L = L_t + lambda sum_i (F_i / max F + s_i / max s) (theta_i - theta*_i)^2;   F <- alpha "
                            "g^2 + (1 - alpha) F,   s_i += relu(gain_i / (F_i moved_i^2 / 2 + epsilon)) per window",
                .paper = "Chaudhry et al. 2018, Riemannian walk for incremental learning, arXiv:1801.10112",
                .differences = "F in a window's score is that of its end; without the paper's stored samples",
                .options = list_options<RWalkOptions>},
       .make = make_strategy<RWalk, RWalkOptions>,
       .needs = RWalk(RWalkOptions()).needs(),
       .toy = {{"window", 3}},
       .as_naive = {{"lambda", 0.0}},
       .memory = "24 P",
       .bytes = [](Json const&, MemoryShape const& m) { return 24 * m.parameters; },
       .claims = {{.scenario = "task", .options = {{"lambda", 10.0}}, .margin = 5}}},
  };
}

}  // namespace mneme
