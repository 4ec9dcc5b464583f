#include "mneme/strategies/gem.hpp"

#include <torch/types.h>

#include <algorithm>
#include <array>
#include <numeric>
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

/// x.y over n values, in sums side by side that the compiler makes vectors of.
[[gnu::always_inline]] inline double sum_of_products(float const* x, float const* y, std::int64_t n) {
  constexpr std::int64_t kSums = 32;
  std::array<float, kSums> sums{};
  std::int64_t i = 0;
  for (; i + kSums <= n; i += kSums)
    for (std::int64_t s = 0; s < kSums; ++s) sums[static_cast<std::size_t>(s)] += x[i + s] * y[i + s];
  double rest = 0;
  for (; i < n; ++i) rest += static_cast<double>(x[i]) * y[i];
  return std::accumulate(sums.begin(), sums.end(), rest);
}

using Dot = double (*)(float const*, float const*, std::int64_t);

double plain_dot(float const* x, float const* y, std::int64_t n) { return sum_of_products(x, y, n); }

#if defined(__x86_64__)
/// Half the time of the plain one, whose vectors are of four numbers.
[[gnu::target("avx2,fma")]] double wide_dot(float const* x, float const* y, std::int64_t n) {
  return sum_of_products(x, y, n);
}
Dot fastest_dot() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? wide_dot : plain_dot; }
#else
Dot fastest_dot() { return plain_dot; }
#endif

/// What the dual is made of: G G' [k, k] and G g [k], row by row.
struct Products {
  std::vector<double> a, b;
};

/// The time goes into reading the k + 1 rows: once, a block at a time that stays in the first cache, for all products.
Products products(at::Tensor const& past, at::Tensor const& grad) {
  auto const k = static_cast<std::size_t>(past.size(0));
  if (!past.is_cpu()) return {numbers(past.mm(past.t())), numbers(past.mv(grad))};
  static auto const dot = fastest_dot();
  constexpr std::int64_t kBlock = 1024;
  Products sums{std::vector<double>(k * k), std::vector<double>(k)};
  auto const size = grad.size(0);
  auto const* g = grad.const_data_ptr<float>();
  auto const* first = past.const_data_ptr<float>();
  for (std::int64_t begin = 0; begin < size; begin += kBlock) {
    auto const n = std::min(kBlock, size - begin);
    auto const row = [&](std::size_t i) { return first + static_cast<std::int64_t>(i) * size + begin; };
    for (std::size_t i = 0; i < k; ++i) {
      sums.b[i] += dot(row(i), g + begin, n);
      for (std::size_t j = 0; j <= i; ++j) sums.a[i * k + j] += dot(row(i), row(j), n);
    }
  }
  for (std::size_t i = 0; i < k; ++i)
    for (std::size_t j = i + 1; j < k; ++j) sums.a[i * k + j] = sums.a[j * k + i];
  return sums;
}

}  // namespace

void project_on_agreement(at::Tensor const& grad, at::Tensor const& past, double strength, double ridge) {
  auto [a, b] = products(past, grad);
  if (std::all_of(b.begin(), b.end(), [](double x) { return x >= 0; })) return;
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

void Gem::after_step(StepContext& context) { options_.fill.after_step(buffer_, context); }

void Gem::end_event(EventContext& context) { options_.fill.end_event(buffer_, context); }

}  // namespace mneme
