#include <iterator>

#include "mneme/strategies/rows.hpp"
#include "mneme/unlearning/rows.hpp"

namespace mneme {

std::span<StrategyFamily const> strategy_families() {
  static std::vector<StrategyFamily> const families = {
      {"reference", reference_rows},       {"regularisation", regularisation_rows},
      {"distillation", distillation_rows}, {"replay", replay_rows},
      {"exemplars", exemplar_rows},        {"prototypes", prototype_rows},
      {"generative", generative_rows},     {"architecture", architecture_rows},
      {"unlearning", unlearning_rows}};
  return families;
}

std::span<StrategyRow const> strategy_table() {
  static std::vector<StrategyRow> const table = [] {
    std::vector<StrategyRow> all;
    for (auto const& family : strategy_families())
      for (auto& row : family.rows()) all.push_back(std::move(row));
    return all;
  }();
  return table;
}

}  // namespace mneme
