#include "mneme/strategies/hidden_layers.hpp"

#include <algorithm>

#include "mneme/core/errors.hpp"

namespace mneme {

std::vector<std::int64_t> gated_widths(ParameterArena const& arena, std::string const& strategy) {
  std::vector<std::int64_t> widths;
  auto const& segments = arena.segments();
  for (;;) {
    auto const name = "fc" + std::to_string(widths.size() + 1) + ".bias";
    auto const found = std::find_if(segments.begin(), segments.end(), [&](auto const& s) { return s.name == name; });
    if (found == segments.end()) break;
    widths.push_back(found->size);
  }
  if (widths.empty())
    throw ConfigError("strategy '" + strategy +
                      "' gates fully connected hidden layers, named fc1, fc2, ..., but the net has no parameter "
                      "'fc1.bias'; use net 'mlp' with at least one hidden layer");
  return widths;
}

}  // namespace mneme
