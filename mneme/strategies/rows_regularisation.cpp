#include "mneme/strategies/ewc.hpp"
#include "mneme/strategies/rows.hpp"

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
                               "biases and head are included",
                .options = list_options<EwcOptions>},
       .make = make_strategy<Ewc, EwcOptions>,
       .needs = Ewc({}).needs(),
       .toy = {{"samples", 20}},
       .as_naive = {{"lambda", 0.0}},
       .memory = "8 P",
       .bytes = [](Json const&, MemoryShape const& m) { return 8 * m.parameters; }},
  };
}

}  // namespace mneme
