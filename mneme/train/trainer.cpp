#include "mneme/train/trainer.hpp"

#include <ATen/Context.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "mneme/core/errors.hpp"
#include "mneme/learners/needs_batch.hpp"
#include "mneme/learners/phase_steps.hpp"
#include "mneme/learners/recalls.hpp"
#include "mneme/strategies/checks_requests.hpp"

namespace mneme {
namespace {

/// Of an epoch. Samples that are too few for a step of their own join the step before them.
std::int64_t batches_of(std::int64_t samples, std::int64_t batch, std::int64_t least) {
  auto const whole = samples / batch, rest = samples % batch;
  return whole + (rest > 0 && (rest >= least || whole == 0) ? 1 : 0);
}

}  // namespace

void TrainOptions::describe(OptionVisitor& v) {
  v.field("epochs", epochs, {.help = "passes over each task", .unit = "epochs", .min = 0, .max = 1e9});
  v.field("epochs_per_event", epochs_per_event,
          {.help = "passes by event where they differ; the last number holds for the rest", .min = 0, .max = 1e9});
  v.field("steps", steps,
          {.help = "steps of each event instead of epochs, however many samples it has; 0: epochs",
           .unit = "steps",
           .min = 0});
  v.field(
      "batch", batch,
      {.help = "new samples per step; where nets normalise by the batch, one that would be left over joins the last",
       .unit = "samples",
       .min = 1,
       .max = 1e9});
  v.field("at_boundary", at_boundary,
          {.help = "optimizer at the start of an event: a new one, or kept", .choices = {"new", "keep"}});
  v.field("log_every", log_every, {.help = "write loss and terms each so many steps", .unit = "steps", .min = 1});
  v.field("clip_norm", clip_norm, {.help = "largest norm of the gradient; 0: no limit", .min = 0});
  v.field(
      "patience", patience,
      {.help = "end a stage after so many epochs without a better held-out score, the learner's first figure; 0: no "
               "early stop",
       .min = 0});
  v.field("held_out", held_out,
          {.help = "share of each class that early stop keeps back; without early stop all data is trained on",
           .above = 0,
           .max = 0.5});
  optimizer.describe(v);
}

Trainer::Trainer(Learner& learner, StrategyList strategies, TrainOptions options, EvaluationOptions evaluation,
                 std::uint64_t seed)
    : learner_(learner),
      strategies_(std::move(strategies)),
      options_(std::move(options)),
      evaluation_(evaluation),
      streams_(seed),
      outputs_(learner.head(), learner.parameters().device()) {
  at::globalContext().setFlushDenormal(true);
  for (std::size_t i = 0; i < learner.phases().size(); ++i) {
    auto const own = phase_step_of(learner, i);
    auto options = options_.optimizer;
    options.optimizer = own.optimizer.value_or(options.optimizer);
    options.beta1 = own.beta1.value_or(options.beta1);
    options.beta2 = own.beta2.value_or(options.beta2);
    optimizers_.emplace_back(options, learner.parameters());
  }
  matrix_.higher_is_better = learner.metrics().front().higher_is_better;
  loss_sum_ = at::zeros({}, learner.parameters().value().options());
}

// ----------------------------------------------------------------------------------------------------------- events

void Trainer::learn(Task const& task) {
  test_on(task);
  process(task);
}

void Trainer::forget(Request const& request) { process(request); }

void Trainer::hand_out(ForgetData const& asked) {
  auto const device = learner_.parameters().device();
  for (auto& member : strategies_.members())
    if (auto* unlearns = dynamic_cast<Unlearns*>(member.strategy.get()))
      unlearns->take({asked.forget, unlearns->uses_retained() ? asked.retain.to(device) : Dataset()});
}

void Trainer::run(Stream const& stream) {
  expect(stream);
  seen_ = {};
  for (std::int64_t i = 0; i < position_.event; ++i) {  // done before a restart
    auto const& event = stream.events.at(static_cast<std::size_t>(i));
    if (auto const* task = std::get_if<Task>(&event))
      seen_.learn(*task);
    else
      seen_.forget(std::get<Request>(event));
  }
  while (position_.event < static_cast<std::int64_t>(stream.events.size())) {
    process(stream.events[static_cast<std::size_t>(position_.event)]);
    if (only_prefix_) return;
  }
}

EventContext Trainer::context_of(Event const& event, Dataset const& data) {
  return {.index = position_.event,
          .event = event,
          .learner = learner_,
          .data = data,
          .visibility = visibility_,
          .log = *this,
          .poll = [this] { poll(); },
          .grow = [this](int segment, Shape shape) { grow(segment, std::move(shape)); },
          .append = [this](std::string name, Shape shape) { append(std::move(name), std::move(shape)); },
          .activate = [this](Batch& batch) { outputs_.activate(batch); },
          .gates = [this](Batch const& batch) { return strategies_.gates(batch, false); },
          .training_gates = [this](Batch const& batch) { return strategies_.gates(batch, true); }};
}

void Trainer::process(Event const& event) {
  strategies_.check(learner_, visibility_);
  auto const* request = std::get_if<Request>(&event);
  ForgetData asked;
  if (request) {
    refuse_to_forget(*request, seen_, position_.event);
    asked = seen_.split(*request);
    asked.forget = asked.forget.to(learner_.parameters().device());
    hand_out(asked);
  }
  auto const data = request ? asked.forget : training_part(event, false);
  if (options_.patience > 0 && is_learn(event)) static_cast<void>(training_part(event, true));  // throws if empty
  auto context = context_of(event, data);
  auto const boundary = [&](std::string const& phase) {
    write({{"kind", "event"},
           {"phase", phase},
           {"event_kind", is_learn(event) ? "learn" : "forget"},
           {"task", event_name(event)},
           {"samples", data.size()}});
  };
  progress_.event = event_name(event);
  progress_.event_index = position_.event;
  if (position_.at == static_cast<std::int64_t>(At::kStart)) {
    if (matrix_.rows.empty()) measure(context, true, "initial");
    if (request) request_streams_ = streams_.clone();
    boundary("begin");
    if (auto const* task = std::get_if<Task>(&event)) outputs_.learn(*task);
    strategies_.each(context, [](Strategy& s, EventContext& c) { s.begin_event(c); });
    if (options_.at_boundary == "new") reset_optimizers();
    position_.at = static_cast<std::int64_t>(At::kStages);
    position_.stage = 0;
    clock_.lap(Lap::kStrategy);
  }
  if (position_.at == static_cast<std::int64_t>(At::kStages)) {
    auto const stages = plan(context);
    for (; position_.stage < static_cast<std::int64_t>(stages.size()); ++position_.stage)
      run_stage(context, stages[static_cast<std::size_t>(position_.stage)]);
    if (request) {  // all of it before the checkpoint, which is to hold nothing of what was asked for
      end_event(context);
      let_go(Forgotten(*request, asked), context);
    }
    position_.at = static_cast<std::int64_t>(At::kTrained);
    save("event-" + std::to_string(position_.event), true);
  }
  if (only_prefix_) return;
  if (!request) end_event(context);
  if (auto const* task = std::get_if<Task>(&event)) {
    seen_.learn(*task);
  } else {
    seen_.forget(*request);
    write({{"kind", "forgotten"}, {"task", request->name}});
  }
  measure(context, true, is_learn(event) ? "learn" : "forget");
  boundary("end");
  request_streams_.reset();
  for (auto& member : strategies_.members())  // what was asked for is not kept
    if (auto* unlearns = dynamic_cast<Unlearns*>(member.strategy.get())) unlearns->release();
  if (request && files_) files_->checkpoints.keep_events_only();
  ++position_.event;
  position_.at = static_cast<std::int64_t>(At::kStart);
}

void Trainer::end_event(EventContext& context) {
  activity_ = Lap::kImportance;
  strategies_.each(context, [](Strategy& s, EventContext& c) { s.end_event(c); });
  clock_.lap(std::exchange(activity_, Lap::kStrategy));
}

void Trainer::let_go(Forgotten const& forgotten, EventContext& context) {
  if (auto* recalls = dynamic_cast<Recalls*>(&learner_)) recalls->forget(forgotten.places());
  strategies_.every(context, [&](Strategy& s, EventContext& c) {
    if (auto* keeper = dynamic_cast<LetsGo*>(&s)) keeper->let_go(forgotten, c);
  });
}

std::vector<Stage> Trainer::plan(EventContext& context) {
  std::vector<Stage> stages;
  strategies_.each(context, [&](Strategy& s, EventContext& c) {
    auto own = s.stages(c);
    if (stages.empty()) stages = std::move(own);
  });
  if (stages.empty() && is_learn(context.event)) stages.emplace_back();
  if (visibility_.once) refuse_second_pass(context, stages);
  return stages;
}

Trainer::Length Trainer::length_of(EventContext const& context, Stage const& stage) const {
  auto const samples = stage.data.size() > 0 ? stage.data.size() : context.data.size();
  auto const batches = batches_of(samples, options_.batch, least_batch(learner_));
  auto epochs = stage.epochs > 0 ? stage.epochs : options_.epochs;
  if (auto const& list = options_.epochs_per_event; stage.epochs == 0 && !list.empty()) {
    auto const last = list.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(context.index, list.size() - 1));
    // Trained anew on a request, what was learnt in several events is learnt as long as the longest of them.
    epochs = is_learn(context.event) ? *last : *std::max_element(list.begin(), last + 1);
  }
  auto const of_options = options_.steps * (is_learn(context.event) ? 1 : seen_.tasks());  // and of all steps together
  auto const wanted = stage.steps > 0 ? stage.steps : stage.epochs > 0 ? 0 : of_options;
  if (wanted == 0) return {epochs, batches, epochs * batches};
  return {batches > 0 ? (wanted + batches - 1) / batches : 0, batches, wanted};
}

// ----------------------------------------------------------------------------------------------------------- stages

void Trainer::run_stage(EventContext& event_context, Stage const& stage) {
  StageContext context(event_context, stage);
  auto const& data = stage.data.size() > 0 ? stage.data : context.data;
  if (data.size() == 0)
    throw DataError("event '" + event_name(context.event) + "', stage '" + stage.name + "': no data");
  auto const [epochs, batches, steps] = length_of(context, stage);
  if (stage.optimise && steps > 0) {
    refuse_idle_phase(learner_, epochs, is_learn(context.event) ? options_.patience : 0, event_name(context.event));
    if (auto const least = least_batch(learner_); data.size() < least)
      throw ConfigError("event '" + event_name(context.event) + "', stage '" + stage.name +
                        "': " + std::to_string(data.size()) + " sample(s), but learner '" + learner_.kind() +
                        "' needs " + std::to_string(least) +
                        " in a step: it normalises by the batch. Ask for more samples at once, "
                        "or use a method that does not train on them: ssd, retrain, fine-tune-retained");
  }
  auto const* task = std::get_if<Task>(&context.event);
  bool const ordered = task && task->ordered && stage.data.size() == 0;

  restrict_optimizers(stage);
  if (!position_.in_stage) {
    if (stage.from_scratch) learner_.initialise(draws().get("from-scratch"));
    if (stage.fresh_optimizer || stage.from_scratch) reset_optimizers();
    strategies_.each(context, [](Strategy& s, StageContext& c) { s.begin_stage(c); });
    early_stop_ = {};
    position_.epoch = position_.batch = 0;
    position_.in_stage = true;
  }
  for (bool more = true; more && position_.epoch < epochs;) {
    if (order_.defined() && order_.size(0) != data.size())
      throw CheckpointError("the checkpoint was taken in the middle of an epoch over " +
                            std::to_string(order_.size(0)) + " samples, this stage has " + std::to_string(data.size()) +
                            ". Keep train.patience and train.held_out, or branch at event-<n>");
    if (!order_.defined())
      order_ = ordered ? at::arange(data.size(), at::TensorOptions(at::kLong).device(data.device()))
                       : draw_permutation(data.size(), draws().get("data"), data.device());
    while (position_.batch < batches && position_.epoch * batches + position_.batch < steps) {
      auto const first = position_.batch * options_.batch;
      bool const last = position_.batch + 1 == batches;
      auto const index = order_.narrow(0, first, last ? data.size() - first : options_.batch);
      auto const at = position_.epoch * batches + position_.batch;
      auto const rate =
          options_.optimizer.learning_rate * stage.lr_scale * schedule_factor(options_.optimizer, at, steps);
      step(context, data, index, rate);
      ++position_.batch;
      if (evaluation_.every_steps > 0 && position_.step % evaluation_.every_steps == 0) measure(context, false);
      show_progress(context, epochs, steps);
      checkpoint_or_stop();
    }
    more = finish_epoch(context);
    ++position_.epoch;
    position_.batch = 0;
    order_ = at::Tensor();
  }
  finish_stage(context);
  need_numbers(context, position_.step - std::min(steps, position_.epoch * batches));
  strategies_.each(context, [](Strategy& s, StageContext& c) { s.end_stage(c); });
  position_.in_stage = false;
  clock_.lap(Lap::kStrategy);
}

bool Trainer::finish_epoch(EventContext& context) {
  if (evaluation_.every_epoch) try {
      measure(context, true);
    } catch (Stopped const&) {  // nothing has changed since the epoch's last step
      save("step-" + std::to_string(position_.step), false);
      throw;
    }
  auto const held = options_.patience > 0 ? training_part(context.event, true) : Dataset();
  if (held.size() == 0) return true;
  auto const metrics = learner_.metrics();
  auto const& task = std::get<Task>(context.event);
  auto const values = test(learner_, held, task.id, [] {});
  clock_.lap(Lap::kEvaluation);
  double const value = metrics.front().higher_is_better ? -values.front() : values.front();
  auto const& arena = learner_.parameters();
  if (!early_stop_.weights.defined() || value < early_stop_.best) {
    early_stop_ = {.weights = at::cat({arena.value(), arena.buffers()}), .best = value, .bad_epochs = 0};
    for (auto& member : strategies_.members()) member.strategy->keep_best();
    return true;
  }
  return ++early_stop_.bad_epochs < options_.patience;
}

void Trainer::finish_stage(StageContext const& context) {
  if (!std::isfinite(loss_sum_.item<double>()))  // the steps since the last line
    fail(context, "the loss is not finite. Lower the learning rate or the penalty's strength",
         position_.step - position_.step % options_.log_every - 1);
  at::NoGradGuard const no_grad;
  auto const& arena = learner_.parameters();
  if (early_stop_.weights.defined()) {
    auto const [value, buffers] = std::pair(arena.value(), arena.buffers());
    value.copy_(early_stop_.weights.narrow(0, 0, value.size(0)));
    buffers.copy_(early_stop_.weights.narrow(0, value.size(0), buffers.size(0)));
    for (auto& member : strategies_.members()) member.strategy->restore_best();
    early_stop_ = {};
  }
}

}  // namespace mneme
