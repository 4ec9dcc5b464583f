#include "mneme/strategies/packnet.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cmath>

#include "mneme/core/errors.hpp"
#include "mneme/strategies/head.hpp"

namespace mneme {
namespace {

constexpr std::int64_t kFree = 0, kPruned = 254, kToCome = 255;

/// Weights of hidden layers.
std::vector<Segment> pruned_segments(ParameterArena const& arena) {
  std::vector<Segment> list;
  for (int const id : body_segments(arena))
    if (auto const& s = arena.segment(id); s.shape.size() > 1) list.push_back(s);
  return list;
}

/// Flat.
at::Tensor part(at::Tensor const& row, Segment const& s) { return s.of(row).view(-1); }

}  // namespace

void PackNetOptions::describe(OptionVisitor& v) {
  v.field("prune", prune,
          {.help = "share of a task's weights that is pruned, by event; the last number holds for the rest, 0 prunes "
                   "nothing",
           .min = 0,
           .max = 1,
           .source = "Mallya and Lazebnik 2018: 0.75, or 0.5 for the first task"});
  v.field("threshold", threshold, {.help = "prune weights of smaller magnitude too", .min = 0});
  v.field("score", score,
          {.help = "what is pruned: the weights of least magnitude, or of least summed gradient",
           .choices = {"magnitude", "gradient"}});
  v.field("retrain_epochs", retrain_epochs,
          {.help = "passes over the task after pruning; 0: none", .unit = "epochs", .min = 0});
  v.field("retrain_scale", retrain_scale,
          {.help = "factor of the learning rate in them", .above = 0, .source = "Mallya and Lazebnik 2018: 0.1"});
}

Needs PackNet::needs() const {
  return {.task_at_training = true,
          .task_at_test = true,
          .boundaries = true,
          .projects = true,
          .stages = true,
          .learners = {"classifier"},
          .prefix = Prefix::kChanges};
}

double PackNet::share(std::int64_t event) const {
  auto const& list = options_.prune;
  return list.empty() ? 0 : list[std::min(static_cast<std::size_t>(event), list.size() - 1)];
}

void PackNet::begin_event(EventContext& context) {
  frozen_.release();
  auto& arena = context.parameters();
  if (!owner_.defined()) {
    owner_ = at::zeros({arena.size()}, at::device(arena.device()).dtype(at::kByte));
    for (int const id : head_segments(arena)) part(owner_, arena.segment(id)).fill_(kToCome);
  }
  if (tasks_ + 1 == kPruned) throw ConfigError("strategy 'packnet' can learn 253 tasks, and this would be one more");
  auto const task = context.task_id();
  auto const before = learnt_.contains(task) ? learnt_[task] : kToCome;
  learnt_[task] = ++tasks_;
  own_outputs(context, task, before);
  if (options_.score == "gradient") score_ = arena.new_row();
}

/// The rows of the output layer for the task's classes, where no other task owns or reads them.
void PackNet::own_outputs(EventContext& context, std::int64_t task, std::int64_t before) {
  auto const& arena = context.parameters();
  auto const& classes = classes_[task] = std::get<Task>(context.event).classes;
  auto const read_by_another = [&](std::int64_t c) {
    return std::any_of(classes_.begin(), classes_.end(), [&](auto const& entry) {
      return entry.first != task && std::find(entry.second.begin(), entry.second.end(), c) != entry.second.end();
    });
  };
  for (int const id : head_segments(arena)) {
    auto const& s = arena.segment(id);
    auto const rows = s.of(owner_).view({s.shape[0], -1});
    for (auto const c : classes) {
      auto const row = rows.select(0, c);
      auto mine = row.eq(kToCome);
      if (!read_by_another(c)) mine.logical_or_(row.eq(before));
      row.masked_fill_(mine, tasks_);
    }
  }
}

std::vector<Stage> PackNet::stages(EventContext& context) {
  std::vector<Stage> stages = {{.name = "train"}};
  if (share(context.index) > 0 && options_.retrain_epochs > 0)
    stages.push_back({.name = "retrain", .epochs = options_.retrain_epochs, .lr_scale = options_.retrain_scale});
  return stages;
}

Batch PackNet::compose(Batch batch, StepContext& context) {
  if (frozen_.holding()) return batch;
  auto free = owner_.eq(tasks_);
  if (context.stage.name == "train") free.logical_or_(owner_.eq(kFree));
  frozen_.hold(free.logical_not_(), context.parameters().value());
  return batch;
}

void PackNet::observe_gradient(StepContext& context) {
  if (score_.defined() && context.stage.name == "train") score_.add_(context.parameters().grad().abs());
}

void PackNet::project_gradient(StepContext& context) { frozen_.mask(context.parameters().grad()); }

void PackNet::after_step(StepContext& context) { frozen_.restore(context.parameters().value()); }

void PackNet::end_stage(StageContext& context) {
  frozen_.release();
  if (context.stage.name == "train") prune(context);
}

void PackNet::prune(StageContext& context) {
  at::NoGradGuard const no_grad;
  auto& arena = context.parameters();
  auto const p = share(context.index);
  for (auto const& s : p > 0 || options_.threshold > 0 ? pruned_segments(arena) : std::vector<Segment>()) {
    auto const owner = part(owner_, s);
    auto const index = owner.eq(kFree).nonzero().squeeze(1);
    auto const n = index.size(0);
    if (n == 0) continue;
    auto const magnitude = part(arena.value(), s).index_select(0, index).abs();
    auto const scores = options_.score == "gradient" ? part(score_, s).index_select(0, index) : magnitude;
    auto const order = std::get<1>(scores.sort(std::optional<bool>(true), 0, false));
    auto pruned = at::zeros({n}, index.options().dtype(at::kBool));
    pruned.index_fill_(0, order.narrow(0, 0, std::llround(p * static_cast<double>(n))), true);
    pruned.logical_or_(magnitude.lt(options_.threshold));
    pruned.index_fill_(0, order.narrow(0, n - 1, 1), false);
    owner.index_fill_(0, index.masked_select(pruned), kPruned);
    part(arena.value(), s).index_fill_(0, index.masked_select(pruned), 0);
  }
  owner_.masked_fill_(owner_.eq(kFree), tasks_);
  owner_.masked_fill_(owner_.eq(kPruned), kFree);
  score_ = at::Tensor();
}

void PackNet::end_event(EventContext& context) {
  record(context);
  statistics_.keep(context.task_id(), context.parameters());
}

void PackNet::record(EventContext& context) {
  std::int64_t total = 0, remaining = 0;
  for (auto const& s : pruned_segments(context.parameters())) {
    total += s.size;
    remaining += part(owner_, s).ne(kFree).sum().item<std::int64_t>();
  }
  Json const line = {{"task", event_name(context.event)},
                     {"remaining", remaining},
                     {"total", total},
                     {"sparsity", total > 0 ? 1.0 - static_cast<double>(remaining) / static_cast<double>(total) : 0}};
  history_.push_back(line);
  Json entry = {{"kind", "pruning"}, {"strategy", "packnet"}};
  entry.update(line);
  context.log.write(entry);
}

void PackNet::begin_test(TestContext& context) {
  auto const learnt = context.task ? learnt_.find(*context.task) : learnt_.end();
  if (learnt == learnt_.end() || learnt->second == tasks_) return;  // the newest task sees everything
  auto const hidden = owner_.eq(kFree).logical_or_(owner_.gt(learnt->second));
  auto const& value = context.learner.parameters().value();
  shown_.replace(value, value.masked_fill(hidden, 0));
  statistics_.show(learnt->first, context.learner.parameters());
}

void PackNet::end_test(TestContext& context) {
  shown_.restore(context.learner.parameters().value());
  statistics_.restore(context.learner.parameters());
}

void PackNet::grown(Growth const& growth) {
  if (owner_.defined()) owner_ = growth.carry(owner_);
  if (score_.defined()) score_ = growth.carry(score_);
}

void PackNet::state(Archive& archive) {
  Json learnt(learnt_), classes(classes_);
  archive.field("learnt", learnt);
  archive.field("classes", classes);
  archive.field("tasks", tasks_);
  archive.field("history", history_);
  archive.field("owner", owner_);
  archive.field("score", score_);
  statistics_.state(archive);
  if (!archive.loading()) return;
  learnt_ = learnt.get<decltype(learnt_)>();
  classes_ = classes.get<decltype(classes_)>();
  frozen_.release();
}

}  // namespace mneme
