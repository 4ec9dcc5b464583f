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

namespace {

struct Answer {
  Output output;
  bool by_strategy = false;
};

Answer answer(Learner& learner, StrategyList& strategies, Batch const& batch, at::Generator& noise) {
  at::NoGradGuard const no_grad;
  auto const gates = strategies.gates(batch, false);
  Answer answer{learner.forward(batch, {.training = false, .gates = &gates}, noise)};
  for (auto& member : strategies.members())
    if (auto scores = member.strategy->predict(answer.output, batch); scores.defined()) {
      answer.output.logits = std::move(scores);
      answer.by_strategy = true;
    }
  return answer;
}

}  // namespace

Output predict(Learner& learner, StrategyList& strategies, Batch const& batch, at::Generator& noise) {
  return answer(learner, strategies, batch, noise).output;
}

bool strategies_answer(Learner& learner, StrategyList& strategies, Batch const& batch, at::Generator& noise) {
  return answer(learner, strategies, batch, noise).by_strategy;
}

TestScope::TestScope(StrategyList& strategies, TestContext context) : strategies_(strategies), context_(context) {
  for (auto& member : strategies_.members()) member.strategy->begin_test(context_);
}

TestScope::~TestScope() {
  for (auto& member : strategies_.members()) member.strategy->end_test(context_);
}

std::vector<double> evaluate(Learner& learner, StrategyList& strategies, TestSet const& test,
                             RandomStreams const& streams, std::int64_t batch_size) {
  at::NoGradGuard const no_grad;
  auto const& data = test.data;
  auto noise = streams.fresh("eval/" + data.name());
  auto const& theta = learner.parameters().value();
  auto sums = at::zeros({static_cast<std::int64_t>(learner.metrics().size())}, theta.options().dtype(at::kDouble));
  TestScope const around(strategies, {learner, test.task});
  for (std::int64_t first = 0; first < data.size(); first += batch_size) {
    test.poll();
    auto const n = std::min(batch_size, data.size() - first);
    Visibility const shown{.task_at_training = test.task.has_value(), .task_at_test = test.task.has_value()};
    Batch batch(data.slice(first, n), data.labels().narrow(0, first, n), test.task.value_or(-1), shown);
    test.activate(batch);
    auto const output = predict(learner, strategies, batch, noise);
    Batch truth = batch;  // answers are held against the task that was hidden from the one who gave them, as labels are
    if (test.source && !test.task) {
      truth = Batch(batch.x, batch.y(), *test.source, {.task_at_training = true, .task_at_test = true});
      truth.active = batch.active;
    }
    sums.add_(learner.measure(truth, output));
    if (test.tally != nullptr) test.tally->add(batch, output.logits);
  }
  sums = sums.div_(static_cast<double>(std::max<std::int64_t>(1, data.size()))).cpu();
  return {sums.data_ptr<double>(), sums.data_ptr<double>() + sums.numel()};
}

Dataset curve_part(Dataset const& test, std::int64_t count, RandomStreams const& streams) {
  if (count >= test.size()) return test;
  auto generator = streams.fresh("curve/" + test.name());
  auto const chosen = draw_permutation(test.size(), generator, test.device()).narrow(0, 0, count);
  return test.select(std::get<0>(chosen.sort()));
}

}  // namespace mneme
