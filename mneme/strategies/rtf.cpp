#include "mneme/strategies/rtf.hpp"

#include <torch/types.h>

#include "mneme/learners/conditional.hpp"
#include "mneme/learners/rtf.hpp"

namespace mneme {

void RtfOptions::describe(OptionVisitor& v) {
  v.field("replayed", replayed,
          {.help = "generated samples per step; 0: as many as are new", .unit = "samples", .min = 0});
  v.field("temperature", temperature,
          {.help = "T, which softens both softmaxes", .above = 0, .source = "van de Ven and Tolias 2018, sec. 3: 2"});
  describe_per_output(v, per_output);
}

Needs Rtf::needs() const {
  return {.boundaries = true, .replaces_objective = true, .learners = {learner_}, .prefix = Prefix::kPlain};
}

Batch Rtf::compose(Batch batch, StepContext& context) {
  answers_ = {};
  terms_.clear();
  if (solver_.empty()) return batch;
  auto const n = options_.replayed > 0 ? options_.replayed : context.rows.size(0);
  auto& stream = context.streams->get("replay");
  auto const labels = draw_classes(solver_.classes(), n, stream, batch.x.device());
  auto const& past = dynamic_cast<RtfLearner const&>(solver_.teacher().net(context));
  answers_ = solver_.ask(past.sample(labels, stream), context, stream, learner_ == "bi-r" ? labels : at::Tensor());
  return weighted_join(std::move(batch), answers_.batch, task_share(solver_.tasks()));
}

std::optional<at::Tensor> Rtf::objective(StepContext& context) {
  if (solver_.empty()) return std::nullopt;
  return distilled_objective(context, answers_, task_share(solver_.tasks()),
                             {.temperature = options_.temperature, .per_output = options_.per_output}, terms_,
                             [&](Batch& rows, Output const& output, at::Tensor const& targets) {
                               rows.extras["probabilities"] = targets;
                               auto const loss =
                                   dynamic_cast<RtfLearner&>(context.learner).generative_loss(rows, output).mean();
                               terms_["generative"] = loss.detach();
                               return loss;
                             });
}

}  // namespace mneme
