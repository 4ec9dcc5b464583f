#include "mneme/strategies/from_scratch.hpp"
#include "mneme/strategies/rows.hpp"
#include "mneme/strategies/separate.hpp"
#include "mneme/stream/makers.hpp"

namespace mneme {

std::vector<StrategyRow> reference_rows() {
  return {
      {.info = {.name = "naive",
                .aliases = {"finetune", "fine-tuning"},
                .summary = "plain training, task after task: the lower bound",
                .equation = "L = L_t",
                .options = list_options<NoOptions>},
       .make = make_plain<Strategy>,
       .as_naive = Json::object()},
      {.info = {.name = "joint",
                .aliases = {"offline"},
                .summary = "one run on the union of all tasks: the upper bound of most tables",
                .equation = "L = mean over the union of D_1..D_T",
                .differences =
                    "with the epochs of one task it makes as many passes over each sample, T times the updates",
                .options = list_options<NoOptions>},
       .make = make_plain<Strategy>,
       .needs = {.alone = "it trains on all tasks at once, so that there is nothing to remember",
                 .prefix = Prefix::kChanges},
       .wrap = joint_of,
       .never_naive = "it trains on all tasks at once",
       .memory = "all data",
       .claims = {{.scenario = "class", .margin = 50}}},
      {.info = {.name = "cumulative",
                .summary = "trains on all data seen so far at each event, going on from the weights before",
                .equation = "L = mean over the union of D_1..D_t",
                .differences = "as many passes over the union as over a task alone, so its time grows as T^2; with "
                               "from-scratch in a list it begins anew at each event",
                .options = list_options<NoOptions>},
       .make = make_plain<Strategy>,
       .needs = {.boundaries = true, .prefix = Prefix::kChanges},
       .wrap = cumulative_of,
       .never_naive = "it trains on the tasks before too",
       .memory = "all data seen so far",
       .claims = {{.scenario = "class", .margin = 50}}},
      {.info = {.name = "from-scratch",
                .aliases = {"scratch"},
                .summary = "draws the parameters anew before each event, so that it knows the last task only",
                .equation = "theta <- initial draw before each task; L = L_t",
                .options = list_options<NoOptions>},
       .make = make_plain<FromScratch>,
       .needs = FromScratch().needs(),
       .never_naive = "it begins each event with new parameters"},
      {.info = {.name = "separate",
                .aliases = {"independent"},
                .summary = "one network for each task, trained from scratch and chosen by the task's id",
                .equation = "theta^t = argmin L_t from a new draw;   test of task t with theta^t",
                .differences = "each network has the learner's full size; published tables often divide it by T",
                .options = list_options<NoOptions>},
       .make = make_plain<Separate>,
       .needs = Separate().needs(),
       .never_naive = "each task has a network of its own",
       .memory = "4 T P",
       .bytes = [](Json const&, MemoryShape const& m) { return 4 * m.tasks * m.parameters; },
       .claims = {{.scenario = "task", .margin = 5}}},
  };
}

}  // namespace mneme
