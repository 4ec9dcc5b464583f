#include "mneme/strategies/a_gem.hpp"
#include "mneme/strategies/gem.hpp"
#include "mneme/strategies/rows.hpp"

namespace mneme {

std::vector<StrategyRow> exemplar_rows() {
  return {
      {.info = {.name = "a-gem",
                .aliases = {"agem"},
                .summary = "takes out of the gradient what would raise the loss on stored samples, on average",
                .equation = "g <- g - (g.r / r.r) r if g.r < 0, r = gradient on B_m stored samples",
                .paper = "Chaudhry et al. 2019, Efficient lifelong learning with A-GEM, ICLR, arXiv:1812.00420, eq. 11",
                .differences = "fill = step: the memory also holds samples of the current task (A-GEM-R); nothing is "
                               "projected during the first event",
                .options = list_options<AGemOptions>},
       .make = make_strategy<AGem, AGemOptions>,
       .needs = AGem(AGemOptions()).needs(),
       .toy = {{"memory", 12}, {"batch", 6}},
       .as_naive = {{"memory", 0}},
       .memory = "M (d + 24)",
       .bytes = buffer_bytes},
      {.info = {.name = "gem",
                .summary = "takes the nearest gradient that raises the loss of no past task on its stored samples",
                .equation = "g <- g + G'v, v = argmin 1/2 v'(GG' + ridge I)v + (Gg)'v, v >= strength; rows of G: "
                            "gradients on the past tasks",
                .paper = "Lopez-Paz and Ranzato 2017, Gradient episodic memory for continual learning, NeurIPS, "
                         "arXiv:1706.08840, eqs. 8 to 12",
                .differences = "the memory is shared by the tasks seen so far; samples are stored after their step",
                .options = list_options<GemOptions>},
       .make = make_strategy<Gem, GemOptions>,
       .needs = Gem(GemOptions()).needs(),
       .toy = {{"memory", 12}},
       .as_naive = {{"memory", 0}},
       .memory = "M (d + 24)",
       .bytes = buffer_bytes},
  };
}

}  // namespace mneme
