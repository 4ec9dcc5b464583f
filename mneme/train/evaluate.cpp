#include "mneme/train/evaluate.hpp"

#include <torch/types.h>

#include <algorithm>

namespace mneme {

void EvaluationOptions::describe(OptionVisitor& v) {
  v.field("every_steps", every_steps,
          {.help = "measure a fixed part of every test set each so many steps; 0: never", .unit = "steps", .min = 0});
  v.field("curve_images", curve_images, {.help = "size of that part", .unit = "samples", .min = 1});
  v.field("every_epoch", every_epoch, {.help = "measure the full test sets after every epoch"});
  v.field("batch", batch, {.help = "samples per forward pass", .min = 1});
}

Output predict(Learner& learner, StrategyList& strategies, Gates const& gates, Batch const& batch,
               at::Generator& noise) {
  at::NoGradGuard const no_grad;
  auto output = learner.forward(batch, {.training = false, .gates = gates.empty() ? nullptr : &gates}, noise);
  for (auto& member : strategies.members())
    if (auto scores = member.strategy->predict(output); scores.defined()) output.logits = std::move(scores);
  return output;
}

std::vector<double> evaluate(Learner& learner, StrategyList& strategies, Gates const& gates, Dataset const& test,
                             RandomStreams const& streams, std::int64_t batch_size, std::function<void()> const& poll) {
  at::NoGradGuard const no_grad;
  auto noise = streams.fresh("eval/" + test.name());
  auto const& theta = learner.parameters().value();
  auto sums = at::zeros({static_cast<std::int64_t>(learner.metrics().size())}, theta.options().dtype(at::kDouble));
  for (std::int64_t first = 0; first < test.size(); first += batch_size) {
    poll();
    auto const n = std::min(batch_size, test.size() - first);
    Batch const batch(test.slice(first, n), test.labels().narrow(0, first, n));
    sums.add_(learner.measure(batch, predict(learner, strategies, gates, batch, noise)));
  }
  sums = sums.div_(static_cast<double>(std::max<std::int64_t>(1, test.size()))).cpu();
  return {sums.data_ptr<double>(), sums.data_ptr<double>() + sums.numel()};
}

Dataset curve_part(Dataset const& test, std::int64_t count, RandomStreams const& streams) {
  if (count >= test.size()) return test;
  auto generator = streams.fresh("curve/" + test.name());
  auto const chosen = draw_permutation(test.size(), generator, test.device()).narrow(0, 0, count);
  return test.select(std::get<0>(chosen.sort()));
}

}  // namespace mneme
