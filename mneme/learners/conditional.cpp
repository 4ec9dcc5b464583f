#include "mneme/learners/conditional.hpp"

#include <torch/types.h>

#include "mneme/nets/random.hpp"

namespace mneme {

at::Tensor draw_classes(std::vector<std::int64_t> const& classes, std::int64_t n, at::Generator& stream,
                        at::Device device) {
  auto const drawn = draw_indices(static_cast<std::int64_t>(classes.size()), n, stream, at::kCPU);
  return at::tensor(classes, at::kLong).index_select(0, drawn).to(device);
}

at::Tensor Conditional::sample_of(at::Tensor const& labels, at::Generator& noise) const {
  at::NoGradGuard const no_grad;
  return decode(draw_normal({labels.size(0), latent()}, noise, labels.device()), condition(labels));
}

OneHotConditional::OneHotConditional(std::int64_t classes, at::Device device)
    : identity_(at::eye(classes, at::TensorOptions(at::kFloat).device(device))) {}

at::Tensor OneHotConditional::condition(at::Tensor const& labels) const { return identity_.index_select(0, labels); }

at::Tensor OneHotConditional::sample_any(std::int64_t n, at::Generator& noise) const {
  return sample_of(draw_indices(classes(), n, noise, identity_.device()), noise);
}

}  // namespace mneme
