// The rows of the strategy table, by family; table.cpp puts them in the order in which members of a list run.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "mneme/core/no_options.hpp"
#include "mneme/strategies/strategy.hpp"

namespace mneme {

template <class S, class O>
std::unique_ptr<Strategy> make_strategy(Json const& options, std::string const& where) {
  return std::make_unique<S>(read_options<O>(options, where, {"kind"}));
}

/// Of a strategy without options.
template <class S>
std::unique_ptr<Strategy> make_plain(Json const& options, std::string const& where) {
  read_options<NoOptions>(options, where, {"kind"});
  return std::make_unique<S>();
}

/// Bytes of a buffer of `memory` samples: the samples, their labels, tasks and numbers of arrival.
[[nodiscard]] inline std::int64_t buffer_bytes(Json const& options, MemoryShape const& m) {
  return options.at("memory").get<std::int64_t>() * (m.sample_bytes + 24);
}

/// A file of rows under the name that `mneme list strategies` shows.
struct StrategyFamily {
  std::string name;
  std::vector<StrategyRow> (*rows)();
};
/// In the order of the table.
[[nodiscard]] std::span<StrategyFamily const> strategy_families();

[[nodiscard]] std::vector<StrategyRow> reference_rows();       // naive, joint, and other bounds
[[nodiscard]] std::vector<StrategyRow> regularisation_rows();  // penalties on weights
[[nodiscard]] std::vector<StrategyRow> distillation_rows();    // penalties on outputs and features
[[nodiscard]] std::vector<StrategyRow> replay_rows();          // stored samples in the batch
[[nodiscard]] std::vector<StrategyRow> exemplar_rows();        // stored samples, own heads, losses and classifiers
[[nodiscard]] std::vector<StrategyRow> prototype_rows();       // classifiers made of class means and prototypes
[[nodiscard]] std::vector<StrategyRow> generative_rows();      // generated samples
[[nodiscard]] std::vector<StrategyRow> architecture_rows();    // parts of the net for each task

}  // namespace mneme
