#include <iterator>

#include "mneme/strategies/rows.hpp"

namespace mneme {

std::span<StrategyRow const> strategy_table() {
  static std::vector<StrategyRow> const table = [] {
    std::vector<StrategyRow> all;
    for (auto* family : {reference_rows, regularisation_rows, distillation_rows, replay_rows, exemplar_rows,
                         prototype_rows, generative_rows, architecture_rows})
      for (auto& row : family()) all.push_back(std::move(row));
    return all;
  }();
  return table;
}

}  // namespace mneme
