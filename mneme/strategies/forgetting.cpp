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

using Places = std::set<std::pair<std::int64_t, std::int64_t>>;

Places places_of(Dataset const& data) {
  Places places;
  auto const tasks = data.tasks().defined() ? data.tasks() : at::full_like(data.labels(), -1);
  auto const pairs = std::get<0>(at::unique_dim(at::stack({tasks.cpu(), data.labels().cpu()}, 1), 0));
  for (std::int64_t i = 0; i < pairs.size(0); ++i)
    places.emplace(pairs[i][0].item<std::int64_t>(), pairs[i][1].item<std::int64_t>());
  return places;
}

std::set<std::int64_t> classes_of(Places const& places) {
  std::set<std::int64_t> classes;
  for (auto const& [task, label] : places) classes.insert(label);
  return classes;
}

}  // namespace

Forgotten::Forgotten(Request const& request, ForgetData const& asked)
    : places_(places_of(asked.forget)), prints_(fingerprints(asked.forget.data())) {
  auto const rest = places_of(asked.retain);
  std::set<std::int64_t> gone(request.classes.begin(), request.classes.end());
  gone.merge(classes_of(places_));
  for (auto const c : classes_of(rest))
    if (std::find(request.classes.begin(), request.classes.end(), c) == request.classes.end()) gone.erase(c);
  classes_.assign(gone.begin(), gone.end());
  std::erase_if(places_, [&](auto const& place) { return rest.contains(place); });
}

at::Tensor Forgotten::among(at::Tensor const& data, at::Tensor const& labels) const {
  auto mask = at::isin(fingerprints(data), prints_);
  for (auto const c : classes_) mask.logical_or_(labels.cpu().eq(c));
  return mask.to(labels.device());
}

}  // namespace mneme
