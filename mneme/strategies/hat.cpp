#include "mneme/strategies/hat.hpp"

#include <torch/types.h>

#include <algorithm>
#include <numeric>

#include "mneme/core/errors.hpp"
#include "mneme/strategies/hidden_layers.hpp"

namespace mneme {
namespace {

constexpr double kLargestEmbedding = 6;
constexpr double kLargestExponent = 50;
constexpr char const* kFrozenBody = "hat gives each task units of hidden layers that the other no longer trains";
constexpr char const* kPath =
    "it would hold hat's embeddings, which are drawn anew for each task, at those of the task before";

std::string layer_name(std::size_t layer) { return "fc" + std::to_string(layer + 1); }
std::string embedding_name(std::size_t layer) { return "hat." + layer_name(layer); }

/// Every layer between two hidden ones must be known, or what a unit feeds would go unprotected.
void refuse_other_layers(ParameterArena const& arena, std::size_t layers) {
  std::set<std::string> known = {"head.weight", "head.bias"};
  for (std::size_t l = 0; l < layers; ++l)
    for (auto const* kind : {".weight", ".bias"}) known.insert(layer_name(l) + kind);
  for (auto const& s : arena.segments())
    if (!known.contains(s.name) && s.name.rfind("hat.", 0) != 0)
      throw ConfigError(
          "strategy 'hat' cannot protect the parameter '" + s.name +
          "': it masks the weights and biases of fully connected layers; use net 'mlp' with a plain head and without "
          "batch_norm");
}

}  // namespace

void HatOptions::describe(OptionVisitor& v) {
  v.field("s_max", s_max,
          {.help = "steepness of the gates at test and at the end of an epoch",
           .min = 1,
           .source = "Serra et al. 2018: 400"});
  v.field("sparsity", sparsity,
          {.help = "weight c of the units that a task takes beside those already used",
           .min = 0,
           .source = "Serra et al. 2018: 0.75"});
}

Needs Hat::needs() const {
  return {.task_at_training = true,
          .task_at_test = true,
          .boundaries = true,
          .projects = true,
          .gates = true,
          .learners = {"classifier"},
          .excludes = {{"frozen-backbone", kFrozenBody},
                       {"lfl", "lfl stops training the output layer, of which hat gives every task rows of its own"},
                       {"si", kPath},
                       {"rwalk", kPath}},
          .prefix = Prefix::kChanges};
}

std::vector<Segment> Hat::embeddings(ParameterArena const& arena) const {
  std::vector<Segment> list;
  for (std::size_t l = 0; l < widths_.size(); ++l) list.push_back(arena.segment(arena.find(embedding_name(l))));
  return list;
}

void Hat::begin_event(EventContext& context) {
  keep_ = at::Tensor();
  frozen_.release();
  auto& arena = context.parameters();
  if (widths_.empty()) {
    widths_ = gated_widths(arena, "hat");
    refuse_other_layers(arena, widths_.size());
    for (std::size_t l = 0; l < widths_.size(); ++l) context.append(embedding_name(l), {widths_[l]});
  }
  auto const units = std::accumulate(widths_.begin(), widths_.end(), std::int64_t{0});
  auto const fresh = at::zeros({1, units}, arena.value().options());
  current_ = rows_[context.task_id()] = hard_.defined() ? hard_.size(0) : 0;
  hard_ = current_ == 0 ? fresh : at::cat({hard_, fresh});
  for (auto const& s : embeddings(arena))
    s.of(arena.value()).copy_(draw_normal({s.size}, context.streams->get("embedding"), arena.device()));
  harden(arena);
}

/// The current task's gates at s_max.
void Hat::harden(ParameterArena const& arena) {
  if (current_ < 0) return;  // nothing was learnt yet
  at::NoGradGuard const no_grad;
  std::vector<at::Tensor> layers;
  for (auto const& s : embeddings(arena)) layers.push_back(s.of(arena.value()).mul(options_.s_max).sigmoid_());
  hard_.select(0, current_).copy_(at::cat(layers));
}

at::Tensor Hat::used() const {
  return current_ > 0 ? std::get<0>(hard_.narrow(0, 0, current_).max(0)) : at::zeros_like(hard_.select(0, 0));
}

/// 1 - min(A of the unit that a weight leads to, A of the one that it comes from), [P].
at::Tensor Hat::protection(ParameterArena const& arena) const {
  auto const used_units = used().split_with_sizes(widths_);
  auto keep = at::ones_like(arena.value());
  auto const segment = [&](std::string const& name) -> Segment const& { return arena.segment(arena.find(name)); };
  at::Tensor from;  // undefined: inputs, which all tasks use
  auto const protect = [&](std::string const& layer, at::Tensor const& to) {
    auto const& weight = segment(layer + ".weight");
    auto const least = from.defined() ? at::minimum(to.unsqueeze(1), from.unsqueeze(0)) : to.unsqueeze(1);
    weight.of(keep).copy_(1 - least.expand(weight.shape));
    segment(layer + ".bias").of(keep).copy_(1 - to);
    from = to;
  };
  for (std::size_t l = 0; l < widths_.size(); ++l) protect(layer_name(l), used_units[l]);
  auto outputs = at::zeros({segment("head.bias").size}, keep.options());
  for (auto const c : classes_) outputs.select(0, c).fill_(1);
  protect("head", outputs);
  return keep;
}

void Hat::begin_stage(StageContext&) { seen_ = 0; }

Batch Hat::compose(Batch batch, StepContext& context) {
  arena_ = &context.parameters();
  harden(*arena_);
  auto const share = static_cast<double>(seen_) / static_cast<double>(context.source->size());
  s_ = 1 / options_.s_max + (options_.s_max - 1 / options_.s_max) * share;
  if (current_ > 0 && !keep_.defined()) {
    keep_ = protection(*arena_);
    frozen_.hold(keep_.eq(0), arena_->value());
  }
  return batch;
}

Gates Hat::gates(Batch const& batch, bool training) {
  if (!hard_.defined()) return {};
  auto const row_of = [&](std::int64_t task) {
    auto const found = rows_.find(task);
    return found == rows_.end() ? -1 : found->second;
  };
  if (auto const task = batch.one_task()) {
    auto const row = row_of(*task);
    if (row < 0) return {};
    if (!training || row != current_ || arena_ == nullptr) return hard_.select(0, row).split_with_sizes(widths_);
    Gates soft;
    for (std::size_t l = 0; l < widths_.size(); ++l)
      soft.push_back((arena_->leaf(arena_->find(embedding_name(l))) * s_).sigmoid());
    return soft;
  }
  // Rows of several tasks: the others' gates are fixed.
  auto const& tasks = batch.task();
  auto const open = at::ones_like(hard_.narrow(0, 0, 1));
  auto const table = at::cat({hard_, open});
  auto index = at::full_like(tasks, hard_.size(0));
  for (auto const& [task, row] : rows_) index.masked_fill_(tasks.eq(task), row);
  auto layers = table.index_select(0, index).split_with_sizes(widths_, 1);
  if (!training || arena_ == nullptr) return layers;
  auto const current = index.eq(current_).unsqueeze(1);
  for (std::size_t l = 0; l < widths_.size(); ++l)
    layers[l] = at::where(current, (arena_->leaf(arena_->find(embedding_name(l))) * s_).sigmoid(), layers[l]);
  return layers;
}

std::optional<at::Tensor> Hat::penalty(StepContext&) {
  if (options_.sparsity == 0) return std::nullopt;
  auto const free = (1 - used()).split_with_sizes(widths_);
  at::Tensor taken, room;
  for (std::size_t l = 0; l < widths_.size(); ++l) {
    auto const a = (arena_->leaf(arena_->find(embedding_name(l))) * s_).sigmoid();
    auto const layer = a.dot(free[l]), space = free[l].sum();
    taken = taken.defined() ? taken + layer : layer;
    room = room.defined() ? room + space : space;
  }
  return options_.sparsity * taken / room.clamp_min(1e-6);
}

void Hat::project_gradient(StepContext& context) {
  auto const& grad = context.parameters().grad();
  if (keep_.defined()) grad.mul_(keep_);
  for (auto const& s : embeddings(context.parameters())) {
    auto const e = s.of(context.parameters().value());
    auto const steep = e.mul(s_).clamp_(-kLargestExponent, kLargestExponent).cosh_().add_(1);
    s.of(grad).mul_(steep.div_(e.cosh().add_(1))).mul_(options_.s_max / s_);
  }
}

void Hat::after_step(StepContext& context) {
  auto& arena = context.parameters();
  frozen_.restore(arena.value());
  for (auto const& s : embeddings(arena)) s.of(arena.value()).clamp_(-kLargestEmbedding, kLargestEmbedding);
  seen_ += context.rows.size(0);
  if (seen_ >= context.source->size()) seen_ = 0;
  arena_ = nullptr;
}

void Hat::end_stage(StageContext& context) {
  arena_ = nullptr;
  harden(context.parameters());
}

void Hat::end_event(EventContext& context) {
  auto const& classes = std::get<Task>(context.event).classes;
  classes_.insert(classes.begin(), classes.end());
}

void Hat::begin_test(TestContext& context) { harden(context.learner.parameters()); }

void Hat::grown(Growth const&) {
  keep_ = at::Tensor();
  frozen_.release();
}

void Hat::state(Archive& archive) {
  Json rows(rows_), widths(widths_), classes(classes_);
  archive.field("widths", widths);
  archive.field("rows", rows);
  archive.field("classes", classes);
  archive.field("current", current_);
  archive.field("seen", seen_);
  archive.field("hard", hard_);
  if (!archive.loading()) return;
  widths_ = widths.get<std::vector<std::int64_t>>();
  classes_ = classes.get<std::set<std::int64_t>>();
  rows_ = rows.get<decltype(rows_)>();
  keep_ = at::Tensor();
  frozen_.release();
}

}  // namespace mneme
