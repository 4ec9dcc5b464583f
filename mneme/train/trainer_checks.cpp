// What the trainer refuses before anything is begun: requests to forget that cannot be met, batches that a learner
// cannot train on, second passes over a stream that is seen once. The loop is in trainer.cpp.
#include <torch/types.h>

#include "mneme/core/errors.hpp"
#include "mneme/learners/needs_batch.hpp"
#include "mneme/learners/phase_steps.hpp"
#include "mneme/strategies/checks_requests.hpp"
#include "mneme/train/trainer.hpp"

namespace mneme {
namespace {

/// A batch, or a task's whole data, that the learner cannot train on.
void refuse_small_batch(Learner const& learner, std::int64_t batch, Stream const& stream) {
  auto const least = least_batch(learner);
  auto const refuse = [&](std::string const& found) {
    throw ConfigError(found + ", but learner '" + learner.kind() + "' needs " + std::to_string(least) +
                      " samples in a step: it normalises by the batch");
  };
  if (batch < least) refuse("train.batch: " + std::to_string(batch));
  for (auto const* task : stream.tasks())
    if (task->train.size() < least) refuse("task '" + task->name + "' has " + std::to_string(task->train.size()));
}

}  // namespace

void Trainer::refuse_to_forget(Request const& request, SeenData const& seen, std::int64_t number) const {
  auto const refuse = [&](std::string const& problem) {
    throw ConfigError("event " + std::to_string(number) + " asks to forget '" + request.name + "', but strategy '" +
                      problem);
  };
  if (!strategies_.can_forget()) refuse(strategies_.describe() + "' has no way to forget");
  for (auto const& member : strategies_.members()) {
    if (auto const* particular = dynamic_cast<ChecksRequests const*>(member.strategy.get()))
      particular->check({request, visibility_, seen});
    if (member.needs.forgets || dynamic_cast<LetsGo*>(member.strategy.get())) continue;
    Archive kept;
    member.strategy->state(kept);
    if (!kept.tensors().empty() || !kept.values().empty())
      refuse(member.key +
             "' keeps what it learnt in a form that nothing can be taken out of, and would bring it back; "
             "use another strategy beside the method that forgets");
  }
}

void Trainer::refuse_second_pass(EventContext const& context, std::vector<Stage> const& stages) const {
  std::int64_t passes = 0;
  for (auto const& stage : stages)
    if (stage.data.size() == 0 && stage.optimise) passes += length_of(context, stage).epochs;
  if (passes > 1)
    throw ConfigError("event '" + event_name(context.event) + "' would be trained on " + std::to_string(passes) +
                      " times, but its stream is online: each sample is seen once. Set train.epochs = 1 (and no "
                      "train.steps), use a strategy without a second stage, or a stream that is not online");
}

void Trainer::need_numbers(StageContext const& context, std::int64_t began) const {
  auto const check = [&](ParameterArena const& arena, std::string const& what) {
    for (auto const& row : {arena.value(), arena.buffers()})
      if (!row.isfinite().all().item<bool>())
        fail(context, what + " are not finite after the last step. Lower the learning rate", began);
  };
  check(learner_.parameters(), "parameters");
  for (auto const& member : strategies_.members())
    for (auto const& auxiliary : member.strategy->auxiliaries())
      check(auxiliary.learner->parameters(), "parameters of '" + member.key + "/" + auxiliary.name + "'");
}

void Trainer::rehearse(Stream const& stream) {
  expect(stream);
  strategies_.check(learner_, visibility_);
  if (stream.events.empty() || !is_learn(stream.events.front())) return;
  auto const& event = stream.events.front();
  auto const data = training_part(event, false);
  auto context = context_of(event, data);
  outputs_.learn(std::get<Task>(event));
  strategies_.each(context, [](Strategy& s, EventContext& c) { s.begin_event(c); });
}

void Trainer::expect(Stream const& stream) {
  visibility_ = stream.visibility;
  outputs_.show(visibility_);
  learner_.check_visibility(visibility_);
  for (auto const* task : stream.tested()) test_on(*task);
  if (visibility_.task_at_training)
    for (auto const* task : stream.tasks()) learner_.check_task(task->id);
  if (position_.event == 0) refuse_small_batch(learner_, options_.batch, stream);
  SeenData seen;  // a request that cannot be met is refused before anything is begun
  for (std::size_t i = 0; i < stream.events.size(); ++i) {
    if (auto const* task = std::get_if<Task>(&stream.events[i])) {
      seen.learn(*task);
      continue;
    }
    auto const& request = std::get<Request>(stream.events[i]);
    refuse_to_forget(request, seen, static_cast<std::int64_t>(i));
    seen.forget(request);
  }
  for (std::size_t i = 0; i < stream.events.size(); ++i)  // known before anything is begun
    if (auto const* task = std::get_if<Task>(&stream.events[i])) {
      auto context = context_of(stream.events[i], task->train);
      context.index = static_cast<std::int64_t>(i);
      refuse_idle_phase(learner_, length_of(context, {}).epochs, options_.patience, task->name);
      if (visibility_.once) refuse_second_pass(context, {Stage()});
    }
}

}  // namespace mneme
