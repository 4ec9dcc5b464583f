#include "mneme/nets/archive.hpp"

#include <torch/types.h>

#include <sstream>

#include "mneme/core/errors.hpp"

namespace mneme {

void Archive::missing(std::string const& key) const {
  throw CheckpointError(origin_ + ": no field '" + key +
                        "'; it was written by another strategy, net or version. Resume it with the configuration of "
                        "its own run folder");
}

void Archive::field(std::string_view name, at::Tensor& tensor) {
  auto const k = key(name);
  if (!loading_) {
    if (tensor.defined()) tensors_[k] = tensor.detach();
    values_[k] = tensor.defined();
    return;
  }
  auto const defined = values_.find(k);
  if (defined == values_.end() || !defined->is_boolean()) missing(k);
  if (!defined->get<bool>()) {
    tensor = at::Tensor();
    return;
  }
  auto const found = tensors_.find(k);
  if (found == tensors_.end()) missing(k);
  auto const device = tensor.defined() ? tensor.device() : device_;
  tensor = found->second.to(device, found->second.scalar_type(), false, true);
}

void Archive::row(std::string_view name, at::Tensor const& row) {
  auto const k = key(name);
  if (!loading_) {
    tensors_[k] = row.detach();
    return;
  }
  auto const found = tensors_.find(k);
  if (found == tensors_.end()) missing(k);
  if (found->second.sizes() != row.sizes() || found->second.scalar_type() != row.scalar_type()) {
    std::ostringstream text;
    text << origin_ << ": '" << k << "' holds " << found->second.sizes() << ", this run needs " << row.sizes()
         << ": the checkpoint is of another net. Use the net it was trained with";
    throw CheckpointError(text.str());
  }
  at::NoGradGuard no_grad;
  row.copy_(found->second);
}

template <class T>
void Archive::plain(std::string_view name, T& value) {
  auto const k = key(name);
  if (!loading_) {
    values_[k] = value;
    return;
  }
  auto const found = values_.find(k);
  if (found == values_.end()) missing(k);
  try {
    value = found->template get<T>();
  } catch (Json::exception const& e) {
    throw CheckpointError(origin_ + ": field '" + k + "' is damaged: " + e.what());
  }
}

void Archive::field(std::string_view name, std::int64_t& value) { plain(name, value); }
void Archive::field(std::string_view name, double& value) { plain(name, value); }
void Archive::field(std::string_view name, bool& value) { plain(name, value); }
void Archive::field(std::string_view name, std::string& value) { plain(name, value); }
void Archive::field(std::string_view name, Json& value) { plain(name, value); }

bool Archive::has(std::string_view name) const {
  auto const k = key(name);
  return values_.contains(k) || tensors_.contains(k);
}

}  // namespace mneme
