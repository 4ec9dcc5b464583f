#include "mneme/strategies/xdg.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "mneme/core/errors.hpp"
#include "mneme/strategies/hidden_layers.hpp"

namespace mneme {
namespace {

constexpr char const* kFrozenBody =
    "xdg opens other units in each task, in hidden layers that the other no longer trains";

}  // namespace

void XdgOptions::describe(OptionVisitor& v) {
  v.field("share", share,
          {.help = "share of each hidden layer's units that are off in a task",
           .min = 0,
           .max = 1,
           .source = "Masse et al. 2018: 0.8"});
}

at::Tensor draw_gates(std::vector<std::int64_t> const& widths, double share, at::Generator& generator) {
  std::vector<at::Tensor> layers;
  for (auto const width : widths) {
    auto const off = std::min<std::int64_t>(std::llround(share * static_cast<double>(width)), width - 1);
    layers.push_back(draw_permutation(width, generator, at::kCPU).ge(off));
  }
  return at::cat(layers);
}

Needs Xdg::needs() const {
  return {.task_at_training = true,
          .task_at_test = true,
          .gates = true,
          .learners = {"classifier"},
          .excludes = {{"frozen-backbone", kFrozenBody}},
          .prefix = Prefix::kChanges};
}

void Xdg::begin_event(EventContext& context) {
  auto const task = context.task_id();
  auto const widths = gated_widths(context.parameters(), "xdg");
  if (!widths_.empty() && widths != widths_)
    throw ConfigError(
        "strategy 'xdg': a hidden layer was given another width, and the gates of earlier tasks do not "
        "fit it; leave out the strategy that grows hidden layers");
  widths_ = widths;
  auto const units = std::accumulate(widths.begin(), widths.end(), std::int64_t{0});
  auto const rows = open_.defined() ? open_.size(0) : 0;
  if (task >= rows) {
    auto const more = at::ones({task + 1 - rows, units}, at::device(context.parameters().device()).dtype(at::kBool));
    open_ = rows > 0 ? at::cat({open_, more}) : more;
  }
  auto generator = context.streams->fresh("gates/" + std::to_string(task));
  open_.select(0, task).copy_(draw_gates(widths, options_.share, generator));
  make_factors();
}

void Xdg::make_factors() { factors_ = at::cat({open_, at::ones_like(open_.narrow(0, 0, 1))}).to(at::kFloat); }

Gates Xdg::gates(Batch const& batch, bool /*training*/) {
  if (options_.share == 0 || !factors_.defined()) return {};
  auto const learnt = open_.size(0);
  if (auto const task = batch.one_task()) {
    if (*task < 0 || *task >= learnt) return {};
    return factors_.select(0, *task).split_with_sizes(widths_);
  }
  auto const& tasks = batch.task();
  auto const rows = at::where(tasks.ge(0), tasks, at::full_like(tasks, learnt)).clamp_max(learnt);
  return factors_.index_select(0, rows).split_with_sizes(widths_, 1);
}

void Xdg::state(Archive& archive) {
  Json widths = widths_;
  archive.field("widths", widths);
  archive.field("open", open_);
  if (!archive.loading()) return;
  widths_ = widths.get<std::vector<std::int64_t>>();
  if (open_.defined()) make_factors();
}

}  // namespace mneme
