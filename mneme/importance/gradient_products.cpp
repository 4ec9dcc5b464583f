#include "mneme/importance/gradient_products.hpp"

#include <torch/autograd.h>
#include <torch/types.h>

namespace mneme {
namespace {

at::Tensor one_by_one(Learner& learner, Batch const& batch, at::Generator& noise) {
  auto const n = batch.size();
  auto const rows = at::empty({n, learner.parameters().size()}, learner.parameters().value().options());
  for (std::int64_t i = 0; i < n; ++i) learner.gradient(batch.rows(i, 1), rows[i], noise);
  return at::mm(rows, rows.t());
}

}  // namespace

at::Tensor gradient_products(Learner& learner, Batch const& batch, at::Tensor const& scratch, at::Generator& noise) {
  auto& arena = learner.parameters();
  auto const noise_before = noise.get_state();
  try {
    GradientSink sink(arena, scratch, Reduction::kProducts);
    ParameterArena::Redirect const redirect(arena, sink);
    at::AutoGradMode const grad(true);
    arena.begin_gradient();
    auto const output = learner.forward(batch, {.training = false, .gates = nullptr}, noise);
    if (!arena.has_leaves()) {  // known once they have been used
      learner.per_sample_loss(batch, output).sum().backward();
      return sink.products;
    }
  } catch (LayerReused const&) {  // its gradients are sums over the uses: no product of two factors
  }
  noise.set_state(noise_before);
  return one_by_one(learner, batch, noise);
}

}  // namespace mneme
