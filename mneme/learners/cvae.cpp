#include "mneme/learners/cvae.hpp"

#include <torch/types.h>

namespace mneme {

Cvae::Cvae(LearnerShape const& shape, CvaeOptions const& options, at::Generator* init)
    : ElboLearner(shape.device, options.beta),
      OneHotConditional(shape.classes, shape.device),
      shape_(shape),
      options_(options),
      net_(make_cvae_net(parameters(), shape, options)) {
  parameters().allocate();
  if (init) initialise(*init);
}

Output Cvae::forward(Batch const& batch, ForwardContext const&, at::Generator& noise) {
  auto const c = condition(batch.y());
  auto const h = net_->hidden(batch.x, c);
  auto const [mu, logvar] = net_->code(h);
  return {.logits = net_->decode(sample_code(mu, logvar, noise), c),
          .features = h,
          .more = {{"mu", mu}, {"logvar", logvar}}};
}

at::Tensor Cvae::loss(Phase const& phase, Batch const& batch, Output const& output) {
  auto const mean = Learner::loss(phase, batch, output);
  return options_.scale == "sum" ? mean * static_cast<double>(batch.size()) : mean;
}

at::Tensor Cvae::decode(at::Tensor const& z, at::Tensor const& condition) const {
  return net_->decode(z, condition).sigmoid().view(with_count(z.size(0), shape_.input));
}

at::Tensor Cvae::encode(at::Tensor const& x, at::Tensor const& condition) const {
  at::NoGradGuard const no_grad;
  return net_->code(net_->hidden(x, condition)).first;
}

at::Tensor Cvae::reconstruct(at::Tensor const& x, at::Tensor const& labels, at::Generator& noise) const {
  at::NoGradGuard const no_grad;
  auto const c = condition(labels);
  auto const [mu, logvar] = net_->code(net_->hidden(x, c));
  return decode(sample_code(mu, logvar, noise), c);
}

std::unique_ptr<Learner> Cvae::snapshot() const {
  auto copy = std::make_unique<Cvae>(shape_, options_, nullptr);
  copy_values_to(*copy);
  return copy;
}

}  // namespace mneme
