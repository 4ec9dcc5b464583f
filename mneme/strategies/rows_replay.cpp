#include "mneme/strategies/er.hpp"
#include "mneme/strategies/rows.hpp"

namespace mneme {

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
       .needs = Er({}).needs(),
       .toy = {{"memory", 12}},
       .as_naive = {{"memory", 0}},
       .memory = "M (d + 24)",
       .bytes = buffer_bytes},
  };
}

}  // namespace mneme
