#include "mneme/report/sweep.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "mneme/core/text.hpp"

namespace mneme {
namespace {

struct Sweep {
  std::string option;                                   // "lambda"
  std::map<double, std::vector<ArmGroup const*>> arms;  // by its value
};

/// By path: "/lambda", in a list of strategies "/0/lambda".
Json options_of(ArmGroup const& arm) {
  auto const& entry = arm.seeds.front()->summary_entry;
  return entry.value("strategy_options", Json::object()).flatten();
}

Sweep find_sweep(Board const& board) {
  std::vector<Json> options;
  for (auto const& arm : board.arms) options.push_back(options_of(arm));
  std::set<std::string> differing;
  for (auto const& own : options) {
    if (own.size() != options.front().size()) return {};
    for (auto const& item : own.items()) {
      if (!options.front().contains(item.key())) return {};
      if (options.front()[item.key()] != item.value()) differing.insert(item.key());
    }
  }
  if (differing.size() != 1) return {};
  auto const& path = *differing.begin();
  Sweep sweep{path.substr(path.rfind('/') + 1), {}};
  for (std::size_t i = 0; i < options.size(); ++i) {
    if (!options[i][path].is_number()) return {};
    sweep.arms[options[i][path].get<double>()].push_back(&board.arms[i]);
  }
  return sweep;
}

}  // namespace

Figure sweep_figure(Board const& board) {
  constexpr std::size_t kFewest = 3;
  Figure figure;
  if (board.arms.size() < kFewest) return figure;
  auto const sweep = find_sweep(board);
  if (sweep.arms.size() != board.arms.size()) return figure;  // one arm for each value
  figure.title = "Final " + board.style.title + " against " + sweep.option;
  figure.x_label = sweep.option;
  figure.y_label = board.style.unit;
  figure.scale = board.style.factor;
  figure.decimals = board.style.decimals;
  figure.from_zero = board.higher_is_better;
  for (auto const& [value, arms] : sweep.arms) figure.categories.push_back(format_number(value));
  for (std::size_t t = 0; t < board.tasks.size(); ++t) {
    Series series{board.tasks[t], t, {}};
    double place = 0;
    for (auto const& [value, arms] : sweep.arms) {
      if (auto const last = arms.front()->last(board.tasks[t])) series.points.push_back({place, *last});
      ++place;
    }
    if (!series.points.empty()) figure.series.push_back(std::move(series));
  }
  return figure;
}

}  // namespace mneme
