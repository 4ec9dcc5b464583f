#include "mneme/strategies/rows.hpp"
#include "mneme/stream/makers.hpp"

namespace mneme {
namespace {

std::unique_ptr<Strategy> make_plain(Json const& options, std::string const& where) {
  read_options<NoOptions>(options, where, {"kind"});
  return std::make_unique<Strategy>();
}

}  // namespace

std::vector<StrategyRow> reference_rows() {
  return {
      {.info = {.name = "naive",
                .aliases = {"finetune", "fine-tuning"},
                .summary = "plain training, task after task: the lower bound",
                .equation = "L = L_t",
                .options = list_options<NoOptions>},
       .make = make_plain,
       .as_naive = Json::object()},
      {.info = {.name = "joint",
                .aliases = {"offline"},
                .summary = "one run on the union of all tasks: the upper bound of most tables",
                .equation = "L = mean over the union of D_1..D_T",
                .differences =
                    "with the epochs of one task it makes as many passes over each sample, T times the updates",
                .options = list_options<NoOptions>},
       .make = make_plain,
       .needs = {.alone = true, .prefix = Prefix::kChanges},
       .wrap = joint_of,
       .never_naive = "it trains on all tasks at once"},
  };
}

}  // namespace mneme
