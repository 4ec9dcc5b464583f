#include "mneme/train/optimizer.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "mneme/core/errors.hpp"

namespace mneme {

void OptimizerOptions::describe(OptionVisitor& v) {
  v.field("optimizer", optimizer, {.help = "update rule", .choices = {"sgd", "adam", "adamw", "rmsprop"}});
  v.field("learning_rate", learning_rate, {.help = "learning rate", .above = 0});
  v.field("momentum", momentum, {.help = "momentum of SGD and RMSprop", .min = 0, .below = 1});
  v.field("nesterov", nesterov, {.help = "Nesterov's form of momentum (SGD)"});
  v.field("weight_decay", weight_decay, {.help = "L2 decay; decoupled for adamw", .min = 0});
  v.field("beta1", beta1, {.help = "decay of Adam's first moment", .min = 0, .below = 1});
  v.field("beta2", beta2,
          {.help = "decay of the second moment of Adam and RMSprop (there 0.99 is usual)", .min = 0, .below = 1});
  v.field("epsilon", epsilon, {.help = "denominator guard of Adam and RMSprop", .above = 0});
  v.field("schedule", schedule, {.help = "learning rate over a stage", .choices = {"constant", "linear", "cosine"}});
  v.field("warmup_steps", warmup_steps, {.help = "linear rise at the start of a stage", .unit = "steps", .min = 0});
  v.field("final_scale", final_scale, {.help = "factor that linear and cosine end at", .min = 0, .max = 1});
}

double schedule_factor(OptimizerOptions const& o, std::int64_t step, std::int64_t total) {
  if (step < o.warmup_steps) return static_cast<double>(step + 1) / static_cast<double>(o.warmup_steps + 1);
  auto const span = std::max<std::int64_t>(1, total - o.warmup_steps);
  double const at = std::min(1.0, static_cast<double>(step - o.warmup_steps) / static_cast<double>(span));
  if (o.schedule == "linear") return 1 - (1 - o.final_scale) * at;
  if (o.schedule == "cosine") return o.final_scale + (1 - o.final_scale) * (1 + std::cos(std::numbers::pi * at)) / 2;
  return 1;
}

namespace {

bool is_adam(OptimizerOptions const& o) { return o.optimizer == "adam" || o.optimizer == "adamw"; }

/// How many rows [P] a rule keeps. SGD: its buffer, with momentum; RMSprop: the second moment, and that; Adam: the
/// first and second moment.
int rows_of(OptimizerOptions const& o) {
  if (is_adam(o)) return 2;
  return (o.optimizer == "rmsprop" ? 1 : 0) + (o.momentum > 0 ? 1 : 0);
}

std::string rule_of(OptimizerOptions const& o) {
  return o.optimizer + (!is_adam(o) && o.momentum > 0 ? " with momentum" : "");
}

}  // namespace

ArenaOptimizer::ArenaOptimizer(OptimizerOptions options, ParameterArena& arena)
    : options_(std::move(options)), arena_(&arena) {
  if (options_.nesterov && options_.optimizer != "sgd")
    throw ConfigError("train.nesterov: is a form of SGD's momentum, and train.optimizer is \"" + options_.optimizer +
                      "\"; leave it out, or use \"sgd\"");
  if (options_.nesterov && options_.momentum == 0)
    throw ConfigError("train.nesterov: needs a momentum above 0; set train.momentum, 0.9 is usual");
  segments_.resize(arena.segments().size());
  std::iota(segments_.begin(), segments_.end(), 0);
  for (int i = 0; i < rows_of(options_); ++i) rows_.push_back(arena.new_row());
  count_ = at::zeros({}, arena.value().options());
  bind();
}

void ArenaOptimizer::bind() {
  views_.assign(2 + rows_.size(), {});
  std::vector<std::pair<std::int64_t, std::int64_t>> ranges;  // offset, size: neighbours merged
  for (int const id : segments_) {
    auto const& s = arena_->segment(id);
    if (!ranges.empty() && ranges.back().first + ranges.back().second == s.offset)
      ranges.back().second += s.size;
    else
      ranges.emplace_back(s.offset, s.size);
  }
  for (auto const& [offset, size] : ranges) {
    views_[0].push_back(arena_->value().narrow(0, offset, size));
    views_[1].push_back(arena_->grad().narrow(0, offset, size));
    for (std::size_t i = 0; i < rows_.size(); ++i) views_[2 + i].push_back(rows_[i].narrow(0, offset, size));
  }
  counts_.assign(ranges.size(), count_);
}

void ArenaOptimizer::step(double learning_rate) {
  if (segments_.empty()) return;
  at::NoGradGuard const no_grad;
  auto const& o = options_;
  if (o.optimizer == "sgd") {
    at::TensorList const buffers = o.momentum > 0 ? at::TensorList(views_[2]) : at::TensorList();
    at::_fused_sgd_(views_[0], views_[1], buffers, o.weight_decay, o.momentum, learning_rate, 0.0, o.nesterov, false,
                    false);
    return;
  }
  if (o.optimizer == "rmsprop") return rmsprop(learning_rate);
  count_.add_(1);  // the fused kernels expect the counter of the step that they are about to make
  if (o.optimizer == "adam")
    at::_fused_adam_(views_[0], views_[1], views_[2], views_[3], {}, counts_, learning_rate, o.beta1, o.beta2,
                     o.weight_decay, o.epsilon, false, false);
  else
    at::_fused_adamw_(views_[0], views_[1], views_[2], views_[3], {}, counts_, learning_rate, o.beta1, o.beta2,
                      o.weight_decay, o.epsilon, false, false);
}

void ArenaOptimizer::rmsprop(double learning_rate) {
  auto const& o = options_;
  for (std::size_t i = 0; i < views_[0].size(); ++i) {
    auto g = views_[1][i];
    if (o.weight_decay > 0) g = g.add(views_[0][i], o.weight_decay);
    auto square = views_[2][i];
    square.mul_(o.beta2).addcmul_(g, g, 1 - o.beta2);
    auto const scale = square.sqrt().add_(o.epsilon);
    if (o.momentum > 0)
      views_[0][i].add_(views_[3][i].mul_(o.momentum).addcdiv_(g, scale), -learning_rate);
    else
      views_[0][i].addcdiv_(g, scale, -learning_rate);
  }
}

at::Tensor ArenaOptimizer::gradient_norm() const {
  auto const& parts = views_[1];
  if (parts.size() == 1) return parts.front().norm();
  auto squares = at::zeros({}, arena_->grad().options());
  for (auto const& part : parts) squares.add_(part.square().sum());
  return squares.sqrt_();
}

void ArenaOptimizer::restrict_to(std::vector<int> segments) {
  if (segments == segments_) return;
  segments_ = std::move(segments);
  bind();
}

void ArenaOptimizer::reset() {
  for (auto& row : rows_) row.zero_();
  count_.zero_();
}

void ArenaOptimizer::grown(Growth const& growth) {
  for (auto& row : rows_) {
    auto const next = arena_->new_row();
    next.copy_(growth.carry(row));
    row = next;
  }
  bind();
}

void ArenaOptimizer::state(Archive& archive) {
  auto const own = rule_of(options_);
  auto rule = own;
  archive.field("rule", rule);
  if (rule != own)
    throw CheckpointError("the checkpoint's optimizer is " + rule + ", this configuration's is " + own +
                          ": its moments mean nothing here. Keep the optimizer, or branch at the end of an event with "
                          "train.at_boundary = \"new\"");
  for (std::size_t i = 0; i < rows_.size(); ++i) archive.row("row" + std::to_string(i), rows_[i]);
  archive.row("count", count_);
}

}  // namespace mneme
