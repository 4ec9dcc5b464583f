// From scratch: the parameters are drawn anew before each event, so a model knows the last task only.
#pragma once

#include "mneme/strategies/strategy.hpp"

namespace mneme {

class FromScratch final : public Strategy {
 public:
  static constexpr auto kDrawnAnew = "its penalty holds weights where they were, and from-scratch draws them anew";
  [[nodiscard]] Needs needs() const override {
    return {.boundaries = true,
            .stages = true,
            .excludes = {{"hat", "from-scratch draws the weights anew that hat protects for earlier tasks"},
                         {"ewc", kDrawnAnew},
                         {"si", kDrawnAnew},
                         {"mas", kDrawnAnew},
                         {"rwalk", kDrawnAnew}}};
  }
  std::vector<Stage> stages(EventContext& context) override {
    return {{.name = "train", .from_scratch = !context.first()}};
  }
};

}  // namespace mneme
