#include "mneme/learners/classifier.hpp"

#include <torch/types.h>

#include "mneme/nets/layers.hpp"

namespace mneme {

Classifier::Classifier(MakeNet make, at::Device device, at::Generator* init, Head head, Input input)
    : Learner(device), make_(std::move(make)), head_(head), input_(std::move(input)), net_(make_(parameters())) {
  parameters().allocate();
  if (init) net_->initialise(*init);
}

Output Classifier::forward(Batch const& batch, ForwardContext const& context, at::Generator&) {
  return net_->forward(input_.normalise(batch.x), context);
}

void Classifier::check(Dataset const& data) const {
  check_labels(data, "learner '" + kind() + "'");
  if (data.size() > 0) net_->check(data.data());
}

at::Tensor Classifier::views(at::Tensor const& x, RandomStreams& streams) const {
  return input_.has_views() ? input_.view(x, streams.get("views")) : x;
}

at::Tensor Classifier::per_sample_loss(Batch const& batch, Output const& output) {
  return at::nll_loss(at::log_softmax(active_logits(batch, output.logits), 1), batch.y(), {}, at::Reduction::None);
}

at::Tensor Classifier::loss(Phase const& phase, Batch const& batch, Output const& output) {
  if (batch.weight.defined()) return Learner::loss(phase, batch, output);
  return cross_entropy(active_logits(batch, output.logits), batch.y());
}

std::span<Metric const> Classifier::metrics() const {
  static std::vector<Metric> const list = {{"accuracy", true}, {"loss", false}};
  return list;
}

at::Tensor Classifier::measure(Batch const& batch, Output const& output) {
  auto const logits = active_logits(batch, output.logits);
  return at::stack(
      {logits.argmax(1).eq(batch.y()).sum().to(at::kDouble), cross_entropy(logits, batch.y(), false).to(at::kDouble)});
}

std::unique_ptr<Learner> Classifier::snapshot() const {
  auto copy = std::make_unique<Classifier>(make_, parameters().device(), nullptr, head_, input_);
  copy_values_to(*copy);
  return copy;
}

}  // namespace mneme
