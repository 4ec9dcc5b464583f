#include "mneme/nets/random.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/types.h>

#include "mneme/core/seed.hpp"
#include "mneme/nets/archive.hpp"

namespace mneme {

at::Tensor draw_normal(at::IntArrayRef sizes, at::Generator& generator, at::Device device) {
  return at::empty(sizes, at::kFloat).normal_(0, 1, generator).to(device);
}

at::Tensor draw_permutation(std::int64_t n, at::Generator& generator, at::Device device) {
  return at::randperm(n, generator, at::kLong).to(device);
}

at::Tensor draw_indices(std::int64_t n, std::int64_t count, at::Generator& generator, at::Device device) {
  return at::randint(n, {count}, generator, at::kLong).to(device);
}

at::Tensor draw_columns(at::Tensor const& weights, at::Generator& generator) {
  return at::multinomial(weights.cpu(), 1, true, generator).squeeze(1).to(weights.device());
}

at::Generator& RandomStreams::get(std::string_view name) {
  auto it = streams_.find(name);
  if (it == streams_.end()) it = streams_.emplace(std::string(name), fresh(name)).first;
  return it->second;
}

at::Generator RandomStreams::fresh(std::string_view name) const {
  return at::detail::createCPUGenerator(stream_seed(seed_, name));
}

RandomStreams RandomStreams::clone() const {
  RandomStreams copy(seed_);
  for (auto const& [name, stream] : streams_) copy.streams_.emplace(name, stream.clone());
  return copy;
}

void RandomStreams::state(Archive& archive) {
  std::string names;
  for (auto const& [name, stream] : streams_) names += (names.empty() ? "" : ",") + name;
  archive.field("streams", names);
  if (archive.loading()) {
    streams_.clear();
    for (std::size_t at = 0; at < names.size();) {
      auto const end = std::min(names.find(',', at), names.size());
      get(names.substr(at, end - at));
      at = end + 1;
    }
  }
  for (auto& [name, stream] : streams_) {
    at::Tensor bytes = archive.loading() ? at::Tensor() : stream.get_state();
    archive.field(name, bytes);
    if (archive.loading()) stream.set_state(bytes.cpu());
  }
}

}  // namespace mneme
