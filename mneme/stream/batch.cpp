#include "mneme/stream/batch.hpp"

#include <torch/types.h>

#include "mneme/core/errors.hpp"

namespace mneme {

std::vector<Task const*> Stream::tasks() const {
  std::vector<Task const*> list;
  for (auto const& event : events)
    if (auto const* task = std::get_if<Task>(&event)) list.push_back(task);
  return list;
}

std::vector<Task const*> Stream::tested() const {
  if (evaluated.empty()) return tasks();
  std::vector<Task const*> list;
  for (auto const& task : evaluated) list.push_back(&task);
  return list;
}

Batch::Batch(at::Tensor inputs, at::Tensor labels, at::Tensor task, Visibility visibility)
    : x(std::move(inputs)), labels_(std::move(labels)), task_(std::move(task)), visibility_(visibility) {
  parts.push_back({BatchPart::Origin::kCurrent, 0, x.size(0)});
}

Batch::Batch(at::Tensor inputs, at::Tensor labels, std::int64_t task_id, Visibility visibility)
    : Batch(std::move(inputs), std::move(labels), at::Tensor(), visibility) {
  task_id_ = task_id;
}

Batch::Batch(Dataset const& data, at::Tensor const& index, std::int64_t task_id, Visibility visibility)
    : Batch(data.gather(index), visibility.labels ? data.labels().index_select(0, index) : at::Tensor(), task_id,
            visibility) {
  if (!data.tasks().defined()) return;
  task_ = data.tasks().index_select(0, index);
  task_id_.reset();
}

at::Tensor const& Batch::ids() const {
  if (!task_.defined() && task_id_) task_ = at::full({size()}, *task_id_, x.options().dtype(at::kLong));
  return task_;
}

at::Tensor const& Batch::y() const {
  if (!labels_.defined()) throw VisibilityError("this batch carries no labels: its stream is unlabelled");
  return labels_;
}

at::Tensor const& Batch::task() const {
  if (!visibility_.task_at_training || !ids().defined())
    throw VisibilityError("the task id is hidden in this stream; a strategy that needs it must say so in needs()");
  return ids();
}

std::optional<std::int64_t> Batch::one_task() const {
  if (!task_known()) static_cast<void>(task());  // throws
  return task_id_;
}

bool Batch::task_known() const { return visibility_.task_at_training && (task_id_ || task_.defined()); }

Batch Batch::rows(std::int64_t first, std::int64_t n) const {
  Batch part = *this;
  part.x = x.narrow(0, first, n);
  for (auto* each : {&part.labels_, &part.task_, &part.weight})
    if (each->defined()) *each = each->narrow(0, first, n);
  if (active.defined() && active.dim() == 2) part.active = active.narrow(0, first, n);
  for (auto& [name, extra] : part.extras) extra = extra.narrow(0, first, n);
  part.parts = {{parts.empty() ? BatchPart::Origin::kCurrent : parts.front().origin, 0, n}};
  return part;
}

Batch Batch::joined(Batch const& other) const {
  Batch both = *this;
  both.x = at::cat({x, other.x});
  both.labels_ = labels_.defined() && other.labels_.defined() ? at::cat({labels_, other.labels_}) : at::Tensor();
  both.task_ = ids().defined() && other.ids().defined() ? at::cat({ids(), other.ids()}) : at::Tensor();
  if (task_id_ != other.task_id_) both.task_id_.reset();
  if (active.defined() || other.active.defined()) {
    auto const outputs = (active.defined() ? active : other.active).size(-1);
    auto const rows = [&](Batch const& b) {
      auto const mask = b.active.defined() ? b.active : at::ones({outputs}, both.x.options().dtype(at::kBool));
      return mask.dim() == 2 ? mask : mask.expand({b.size(), outputs});
    };
    both.active = at::cat({rows(*this), rows(other)});
  }
  if (weight.defined() || other.weight.defined()) {
    auto const ones = [](Batch const& b) {
      return b.weight.defined() ? b.weight : at::ones({b.size()}, b.x.options().dtype(at::kFloat));
    };
    both.weight = at::cat({ones(*this), ones(other)});
  }
  both.extras.clear();  // what only one of them has is nothing of the whole
  for (auto const& [name, own] : extras)
    if (auto const found = other.extras.find(name); found != other.extras.end())
      both.extras.emplace(name, at::cat({own, found->second}));
  for (auto part : other.parts) {
    part.first += size();
    both.parts.push_back(part);
  }
  return both;
}

at::Tensor row_weights(Batch const& batch, double sum) {
  if (batch.weight.defined()) return batch.weight * (sum / batch.weight.sum());
  return at::full({batch.size()}, sum / static_cast<double>(batch.size()), batch.x.options());
}

}  // namespace mneme
