// The trainer's figures: what is measured, on what and when. The loop is in trainer.cpp.
#include <torch/types.h>

#include <algorithm>
#include <cmath>

#include "mneme/core/errors.hpp"
#include "mneme/train/trainer.hpp"

namespace mneme {

void Trainer::test_on(Task const& task) {
  for (auto const& known : tested_)
    if (known.name == task.name) return;
  learner_.check(task.train);
  learner_.check(task.test);
  bool const by_class = learner_.metrics().front().name == "accuracy";
  if (by_class && task.test.size() > 0 && task.test.labels().min().item<std::int64_t>() < 0)
    throw DataError(task.test.name() +
                    ": test samples without a label (-1), against which accuracy cannot be measured; label them, or "
                    "leave them out");
  tested_.push_back(task);
  outputs_.add(task);
  tested_.back().test = task.test.to(learner_.parameters().device());
  add_column(task);
}

void Trainer::add_column(Task const& task) {
  if (std::find(matrix_.tasks.begin(), matrix_.tasks.end(), task.name) == matrix_.tasks.end()) {
    matrix_.tasks.push_back(task.name);
    for (auto& row : matrix_.values) row.emplace_back();  // it did not exist when those rows were measured
  }
  for (auto const& metric : learner_.metrics().subspan(1)) {  // nor did a figure that is new since the run began
    auto& list = figures_[task.name][metric.name];
    if (list.is_null()) list = Json::array();
    while (list.size() < matrix_.rows.size()) list.push_back(nullptr);
  }
}

std::unique_ptr<Learner> Trainer::reviewed(EventContext& context, bool heeds_stop) {
  std::vector<Stage> review;
  strategies_.every(context, [&](Strategy& s, EventContext& c) {
    for (auto& stage : s.before_evaluation(c)) review.push_back(std::move(stage));
  });
  if (review.empty()) return nullptr;
  auto copy = learner_.snapshot();
  auto options = options_;
  options.patience = 0;  // what early stop keeps back is of the event, not of the review's data
  Trainer reviewer(*copy, {}, options, {}, streams_.seed());
  reviewer.heeds_stop_ = heeds_stop;
  reviewer.deadline_ = deadline_;
  reviewer.visibility_ = visibility_;
  reviewer.outputs_ = outputs_;
  auto own = reviewer.context_of(context.event, context.data);
  for (auto const& stage : review) reviewer.run_stage(own, stage);
  return copy;
}

std::unique_ptr<Learner> Trainer::reviewed(Stream const& stream) {
  auto const event = position_.event - (position_.at == static_cast<std::int64_t>(At::kStart) ? 1 : 0);
  if (event < 0 || event >= static_cast<std::int64_t>(stream.events.size())) return nullptr;
  auto const& last = stream.events[static_cast<std::size_t>(event)];
  auto const data = training_part(last, false);
  auto context = context_of(last, data);
  return reviewed(context, true);
}

void Trainer::measure(EventContext& context, bool full, std::string const& kind) {
  clock_.lap(Lap::kStrategy);
  auto const copy = reviewed(context, full);
  Learner& measured = copy ? *copy : learner_;

  // A part for a curve is small; stopping in the middle of it would lose the step that it belongs to.
  auto const poll = full ? context.poll : std::function<void()>([] {});
  auto const metrics = learner_.metrics();
  Json values = Json::object(), parts = Json::object();
  std::vector<Cell> row(matrix_.tasks.size());
  ClassTally tally;
  bool const counted = !kind.empty() && metrics.front().name == "accuracy";
  for (std::size_t column = 0; column < matrix_.tasks.size(); ++column) {
    auto const known =
        std::find_if(tested_.begin(), tested_.end(), [&](Task const& t) { return t.name == matrix_.tasks[column]; });
    // Without samples, or learnt before a restart and its test set was not given again.
    if (known == tested_.end() || known->test.size() == 0) {
      if (!kind.empty())
        for (auto& [name, list] : figures_[matrix_.tasks[column]].items()) list.push_back(nullptr);
      continue;
    }
    auto const& task = *known;
    auto const* test = &task.test;
    if (!full) {
      auto& part = curve_parts_[task.name];
      if (part.size() == 0) part = curve_part(task.test, evaluation_.curve_images, streams_);
      test = &part;
    }
    auto const means = this->test(measured, *test, task.id, poll, counted ? &tally : nullptr);
    values[task.name] = means.front();
    row[column] = means.front();
    for (std::size_t i = 1; i < metrics.size(); ++i) {
      auto const value = std::isfinite(means[i]) ? Json(means[i]) : Json();
      parts[task.name][metrics[i].name] = value;
      if (!kind.empty()) figures_[task.name][metrics[i].name].push_back(value);
    }
  }
  clock_.lap(Lap::kEvaluation);
  Json line = {
      {"kind", "evaluation"}, {"part", full ? "full" : "curve"}, {"epoch", position_.epoch}, {"values", values}};
  if (metrics.front().name == "negative_elbo")
    line["loss_parts"] = parts;
  else if (dynamic_cast<Generates const*>(&learner_) != nullptr)
    line["figures"] = parts;  // of what else it can do
  if (counted) {
    class_counts_ = tally.counts();
    line.update(class_counts_.to_json());
  }
  write(std::move(line));
  if (kind.empty()) {
    EpochEnd const at{position_.event, position_.epoch, position_.step, event_name(context.event)};
    for (auto* observer : observers_)
      full ? observer->epoch_measured(at, measured) : observer->step_measured(at, measured);
    clock_.lap(Lap::kWriting);
    return;
  }
  matrix_.rows.push_back({kind == "initial" ? -1 : position_.event, kind,
                          kind == "initial" ? "" : event_name(context.event), position_.step});
  matrix_.values.push_back(std::move(row));
  for (auto* observer : observers_) observer->evaluated(matrix_, measured);
  clock_.lap(Lap::kWriting);
}

std::vector<double> Trainer::test(Learner& learner, Dataset const& data, std::optional<std::int64_t> task,
                                  std::function<void()> const& poll, ClassTally* tally) {
  TestSet const set{.data = data,
                    .task = visibility_.task_at_test ? task : std::nullopt,
                    .source = task,
                    .activate = [this](Batch& batch) { outputs_.activate(batch); },
                    .poll = poll,
                    .tally = tally};
  return evaluate(learner, strategies_, set, streams_, evaluation_.batch);
}

std::int64_t Trainer::strategy_bytes() {
  Archive archive;
  for (auto& member : strategies_.members()) {
    Archive::Scope const scope(archive, member.key);
    member.strategy->state(archive);
  }
  std::int64_t bytes = 0;
  for (auto const& [name, tensor] : archive.tensors()) bytes += static_cast<std::int64_t>(tensor.nbytes());
  return bytes;
}

std::vector<double> Trainer::test(Dataset const& data, std::optional<std::int64_t> task) {
  return test(learner_, data.to(learner_.parameters().device()), task, [] {});
}

Dataset Trainer::training_part(Event const& event, bool held_out) const {
  auto const* task = std::get_if<Task>(&event);
  if (!task) return {};
  auto const device = learner_.parameters().device();
  if (options_.patience == 0) return task->train.to(device);
  // The same tenth of every class whenever it is asked for: it depends on the seed and the task alone.
  auto generator = streams_.fresh("held-out/" + task->name);
  auto const order = draw_permutation(task->train.size(), generator, task->train.device());
  auto const labels = task->train.labels().index_select(0, order);
  auto const classes = std::get<0>(at::_unique(labels));
  auto mask = at::zeros_like(order, at::kBool);
  for (std::int64_t c = 0; c < classes.size(0); ++c) {
    auto const where = labels.eq(classes[c]).nonzero().squeeze(1);
    auto const count = static_cast<std::int64_t>(std::llround(options_.held_out * static_cast<double>(where.size(0))));
    mask.index_fill_(0, where.narrow(0, 0, count), true);
  }
  auto const chosen = order.masked_select(held_out ? mask : mask.logical_not());
  if (chosen.size(0) == 0)
    throw ConfigError("train.held_out: " + Json(options_.held_out).dump() + " of '" + task->name +
                      "' leaves no sample " + (held_out ? "to stop early by" : "to train on") +
                      "; change it, or set patience = 0");
  return task->train.select(std::get<0>(chosen.sort())).to(device);
}

}  // namespace mneme
