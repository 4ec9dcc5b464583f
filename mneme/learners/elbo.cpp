#include "mneme/learners/elbo.hpp"

#include <torch/types.h>

namespace mneme {
namespace {

struct Parts {
  at::Tensor bce, kl;  // [N]
};

Parts parts(Batch const& batch, Output const& output) {
  return {.bce = pixel_loss(output.logits, batch.x.flatten(1)),
          .kl = standard_kl({.mu = output.more.at("mu"), .logvar = output.more.at("logvar"), .z = {}})};
}

}  // namespace

at::Tensor ElboLearner::per_sample_loss(Batch const& batch, Output const& output) {
  auto const p = parts(batch, output);
  return beta_ == 1 ? p.bce + p.kl : p.bce + p.kl * beta_;
}

std::map<std::string, at::Tensor> ElboLearner::loss_parts(Batch const& batch, Output const& output) {
  at::NoGradGuard const no_grad;
  auto const p = parts(batch, output);
  return {{"bce", p.bce.mean()}, {"kl", p.kl.mean()}};
}

std::span<Metric const> ElboLearner::metrics() const {
  static std::vector<Metric> const list = {{"negative_elbo"}, {"bce"}, {"kl"}, {"squared_error"}};
  return list;
}

at::Tensor ElboLearner::measure(Batch const& batch, Output const& output) {
  auto const p = parts(batch, output);
  auto const squared = (output.logits.sigmoid() - batch.x.flatten(1)).square().sum();
  auto const bce = p.bce.sum().to(at::kDouble), kl = p.kl.sum().to(at::kDouble);
  return at::stack({bce + kl, bce, kl, squared.to(at::kDouble)});
}

}  // namespace mneme
