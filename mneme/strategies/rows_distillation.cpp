#include "mneme/strategies/lfl.hpp"
#include "mneme/strategies/lwf.hpp"
#include "mneme/strategies/rows.hpp"

namespace mneme {
namespace {

std::int64_t teacher_bytes(Json const&, MemoryShape const& m) { return 4 * m.parameters; }

}  // namespace

std::vector<StrategyRow> distillation_rows() {
  return {
      {.info = {.name = "lfl",
                .aliases = {"less-forgetting"},
                .summary = "less-forgetting learning: features stay near those of the net before the task, under a "
                           "frozen output layer",
                .equation = "L = L_t + lambda mean over n of (1/2) || h(x_n; theta_old) - h(x_n; theta) ||^2",
                .paper = "Jung et al. 2016, Less-forgetting learning in deep neural networks, arXiv:1607.00122",
                .differences = "the distance is a mean over the batch, as the loss is",
                .options = list_options<LflOptions>},
       .make = make_strategy<Lfl, LflOptions>,
       .needs = Lfl(LflOptions()).needs(),
       .as_naive = {{"lambda", 0.0}, {"freeze", "nothing"}},
       .memory = "4 P",
       .bytes = teacher_bytes},
      {.info = {.name = "lwf",
                .aliases = {"learning-without-forgetting"},
                .summary = "learning without forgetting: the net before the task teaches its old outputs on new data",
                .equation = "L = L_t + alpha sum_h T^2 mean over n of - sum_{i in h} q_i log p_i;   q = softmax(z_old "
                            "/ T), p = softmax(z / T), over the old outputs h",
                .paper = "Li and Hoiem 2016, Learning without forgetting, arXiv:1606.09282",
                .differences = "scaled by T^2 unless square = false; the warm-up of the new head is an option",
                .options = list_options<LwfOptions>},
       .make = make_strategy<Lwf, LwfOptions>,
       .needs = Lwf(LwfOptions()).needs(),
       .as_naive = {{"alpha", 0.0}},
       .memory = "4 P",
       .bytes = teacher_bytes},
  };
}

}  // namespace mneme
