#include "mneme/strategies/forgetting.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/types.h>

#include <algorithm>

namespace mneme {
namespace {

/// Int64 [N]: sum_j w_j b_j over the bytes b of each sample, with fixed random w below 2^40. Two samples that differ
/// have the same number with a chance of at most 2^-40.
at::Tensor fingerprints(at::Tensor const& samples) {
  constexpr std::int64_t kRowsAtOnce = 1024;
  auto const rows = samples.cpu().contiguous().flatten(1);
  auto const bytes = rows.view(at::kByte);
  auto const weight = at::randint(std::int64_t{1} << 40, {bytes.size(1)}, at::detail::createCPUGenerator(1), at::kLong);
  std::vector<at::Tensor> prints;
  for (auto const& part : bytes.split(kRowsAtOnce)) prints.push_back((part.to(at::kLong) * weight).sum(1));
  return at::cat(prints);
}

}  // namespace

Forgotten::Forgotten(Request const& request, Dataset const& forget)
    : classes_(request.classes), prints_(fingerprints(forget.data())) {}

at::Tensor Forgotten::among(at::Tensor const& data, at::Tensor const& labels) const {
  auto mask = at::isin(fingerprints(data), prints_);
  for (auto const c : classes_) mask.logical_or_(labels.cpu().eq(c));
  return mask.to(labels.device());
}

}  // namespace mneme
