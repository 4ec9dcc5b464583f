#include "mneme/strategies/mas.hpp"

#include <torch/types.h>

#include "mneme/importance/sensitivity.hpp"
#include "mneme/strategies/event_importance.hpp"

namespace mneme {

void MasOptions::describe(OptionVisitor& v) {
  v.field("lambda", lambda,
          {.help = "strength of the penalty, for a loss that is the mean over the batch",
           .min = 0,
           .source = "Aljundi et al. 2018, sec. 4.2"});
  v.field("norm", norm,
          {.help = "of the output: squared as in the paper, or plain",
           .choices = {"squared", "plain"},
           .source = "Aljundi et al. 2018, sec. 4.1; plain: FACIL"});
  v.field("accumulation", accumulation,
          {.help = "of the tasks' importances: their sum, or a running average from zero",
           .choices = {"sum", "average"},
           .source = "average: Avalanche, FACIL"});
  v.field("alpha", alpha,
          {.help = "share of the old importance in the running average", .min = 0, .max = 1, .source = "Avalanche"});
  v.field("gradients", gradients,
          {.help = "absolute value of every sample's gradient, or of a batch's mean gradient, in which signs cancel",
           .choices = {"per-sample", "batch-mean"},
           .source = "batch-mean: Avalanche, FACIL"});
  importance.describe_samples(v);
}

void Mas::end_event(EventContext& context) {
  auto omega =
      output_sensitivity(importance_request(name(), context.data, options_.importance, context),
                         {.squared = options_.norm == "squared", .batch_mean = options_.gradients != "per-sample"});
  log_importance(name(), omega, context, {{"samples", options_.importance.count(context.data.size())}});
  auto const& theta = context.parameters().value();
  if (options_.accumulation == "average")
    mutable_quadratic().decay_and_move(options_.alpha, omega.mul_(1 - options_.alpha), theta);
  else
    mutable_quadratic().decay_and_move(1.0, omega, theta);
}

}  // namespace mneme
