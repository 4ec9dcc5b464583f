#include "mneme/strategies/gem.hpp"

#include <torch/types.h>

#include <algorithm>
#include <vector>

#include "mneme/strategies/gem_dual.hpp"

namespace mneme {

void GemOptions::describe(OptionVisitor& v) {
  buffer.describe(v);
  fill.describe(v);
  v.field("strength", strength,
          {.help = "lower bound of each past task's multiplier",
           .min = 0,
           .source = "Lopez-Paz and Ranzato 2017: 0.5 (memory strength)"});
  v.field("ridge", ridge, {.help = "added to the diagonal of the products of past gradients", .min = 0});
}

namespace {

std::vector<double> numbers(at::Tensor const& tensor) {
  auto const host = tensor.to(at::kCPU, at::kDouble).contiguous();
  auto const* first = host.const_data_ptr<double>();
  return {first, first + host.numel()};
}

/// G G' [k, k] of G [k, P]. Torch's product of two so flat matrices takes longer than half of it by one row at a time.
at::Tensor products(at::Tensor const& rows) {
  auto const k = rows.size(0);
  auto all = at::empty({k, k}, rows.options());
  for (std::int64_t i = 0; i < k; ++i) {
    auto const from_here = rows.narrow(0, i, k - i).mv(rows[i]);
    all[i].narrow(0, i, k - i).copy_(from_here);
    all.select(1, i).narrow(0, i, k - i).copy_(from_here);
  }
  return all;
}

}  // namespace

void project_on_agreement(at::Tensor const& grad, at::Tensor const& past, double strength, double ridge) {
  auto const b = numbers(past.mv(grad));
  if (std::all_of(b.begin(), b.end(), [](double x) { return x >= 0; })) return;
  auto a = numbers(products(past));
  for (std::size_t i = 0; i < b.size(); ++i) a[i * b.size() + i] += ridge;
  auto const v = solve_dual(a, b, strength);
  grad.addmv_(past.t(), at::tensor(v, at::kDouble).to(grad.device(), grad.scalar_type()));
}

void Gem::project_gradient(StepContext& context) {
  if (context.first()) return;
  std::vector<std::int64_t> tasks;
  for (auto const& [task, stored] : buffer_.task_distribution())
    if (task != context.task_id()) tasks.push_back(task);
  if (tasks.empty()) return;
  auto& arena = context.parameters();
  auto const k = static_cast<std::int64_t>(tasks.size());
  if (!past_.defined() || past_.size(0) != k) past_ = at::empty({k, arena.size()}, arena.grad().options());
  for (std::int64_t i = 0; i < k; ++i) {
    auto const batch = replayed(buffer_.of_task(tasks[static_cast<std::size_t>(i)]), context);
    context.learner.gradient(batch, past_[i], context.streams->get("noise"), context.gates(batch));
  }
  project_on_agreement(arena.grad(), past_, options_.strength, options_.ridge);
}

void Gem::after_step(StepContext& context) {
  if (options_.fill.at_step()) buffer_.offer(current_rows(context), context.streams->get("reservoir"));
}

void Gem::end_event(EventContext& context) {
  auto const& fill = options_.fill;
  if (fill.at_step()) return;
  buffer_.offer(share_of_event(buffer_, context, fill.per_task), context.streams->get("reservoir"));
}

}  // namespace mneme
