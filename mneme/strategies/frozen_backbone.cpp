#include "mneme/strategies/frozen_backbone.hpp"

#include <utility>

#include "mneme/strategies/backbone.hpp"

namespace mneme {

std::vector<Stage> FrozenBackbone::stages(EventContext& context) {
  auto stage =
      head_stage(context.parameters());  // also in the first event, to refuse early where there is no such layer
  if (context.first()) return {};
  return {std::move(stage)};
}

}  // namespace mneme
