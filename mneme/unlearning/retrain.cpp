#include "mneme/unlearning/retrain.hpp"

namespace mneme {

void RetrainOptions::describe(OptionVisitor& v) {
  v.field("epochs", epochs, {.help = "passes over what is retained; 0: as train says", .unit = "epochs", .min = 0});
}

Needs Retrain::needs() const {
  auto constexpr kOtherWeights = "retrain draws all weights anew, and its importance is of the weights before";
  return {
      .forgets = true,
      .excludes = {{"ewc", kOtherWeights}, {"si", kOtherWeights}, {"mas", kOtherWeights}, {"rwalk", kOtherWeights}}};
}

std::vector<Stage> Retrain::stages(EventContext&) {
  return {{.name = "retrain",
           .data = data().retain,
           .epochs = options_.epochs,
           .fresh_optimizer = true,
           .from_scratch = true}};
}

std::vector<Stage> FineTune::stages(EventContext&) { return {options_.stage("fine-tune", data().retain)}; }

}  // namespace mneme
