// Frozen backbone: after the first event only the output layer is trained; a reference.
//
//   L = L_t,   minimised over the output layer alone from the second event on
//
// What the net has learnt by then in its hidden layers can no longer be forgotten; what is still forgotten is forgotten
// in the output layer. Used as a reference in most studies of class-incremental learning.
//
// Differences from a paper: none known; it is a convention, not a method of one paper.
#pragma once

#include "mneme/strategies/strategy.hpp"

namespace mneme {

class FrozenBackbone final : public Strategy {
 public:
  [[nodiscard]] Needs needs() const override {
    auto const* why = "it trains the hidden layers alone, which are frozen from the second event on";
    return {.boundaries = true,
            .stages = true,
            .learners = {"classifier"},
            .excludes = {{"scr", why}, {"cope", why}},
            .prefix = Prefix::kPlain};
  }
  std::vector<Stage> stages(EventContext& context) override;
};

}  // namespace mneme
