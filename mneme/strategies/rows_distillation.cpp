#include "mneme/strategies/fromp.hpp"
#include "mneme/strategies/lfl.hpp"
#include "mneme/strategies/lwf.hpp"
#include "mneme/strategies/rows.hpp"

namespace mneme {
namespace {

std::int64_t teacher_bytes(Json const&, MemoryShape const& m) { return 4 * m.parameters; }

/// Labels and tasks beside the samples.
std::int64_t fromp_bytes(Json const& options, MemoryShape const& m) {
  return 4 * m.parameters + m.tasks * options.at("points").get<std::int64_t>() * (m.sample_bytes + 16);
}

}  // namespace

std::vector<StrategyRow> distillation_rows() {
  return {
      {.info = {.name = "fromp",
                .summary = "functional regularisation of the memorable past: probabilities at a few stored samples of "
                           "each old task stay what they were",
                .equation = "L = L_t + (tau/2) sum_s sum_c d' K_{s,c}^{-1} d,   d = m_{s,c}(theta) - "
                            "m_{s,c}(theta_old),   K = J Sigma J' + jitter I,   Sigma = 1 / (F + prior_precision)",
                .paper = "Pan et al. 2020, Continual deep learning by functional regularisation of memorable past, "
                         "NeurIPS, arXiv:2004.14070",
                .differences = "tau multiplies the term, where the authors' code divides the loss of the new task by "
                               "it: the same up to the scale of the gradient, which clipping sees",
                .options = list_options<FrompOptions>},
       .make = make_strategy<Fromp, FrompOptions>,
       .needs = Fromp(FrompOptions()).needs(),
       .toy = {{"points", 8}, {"batch", 20}},
       .as_naive = {{"tau", 0.0}},
       .memory = "4 P + T M (d + 16), M points a task; while a task is learnt also (t - 1) C (4 M^2 + 4 M + 8)",
       .bytes = fromp_bytes,
       .claims = {{.scenario = "class", .margin = 10}}},
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
       .bytes = teacher_bytes,
       .claims = {{.scenario = "task", .margin = 5}, {.scenario = "domain", .margin = 5, .fails = true}}},
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
       .bytes = teacher_bytes,
       .claims = {{.scenario = "task", .margin = 5}, {.scenario = "domain", .margin = 5}}},
  };
}

}  // namespace mneme
