#include "mneme/strategies/exemplar_data.hpp"

#include <torch/types.h>

#include "mneme/memory/herding.hpp"
#include "mneme/strategies/head.hpp"
#include "mneme/strategies/nearest_mean.hpp"

namespace mneme {

Dataset stored_data(Rows const& rows, EventContext const& context) {
  Dataset const data("stored", rows.data, rows.labels, context.data.class_names());
  return context.visibility.task_at_training ? data.with_tasks(rows.task) : data;
}

Dataset with_stored(Dataset const& data, Rows const& rows, EventContext const& context) {
  if (rows.size() == 0) return data;
  auto own = data;
  if (!data.tasks().defined() && context.visibility.task_at_training)
    own = data.with_tasks(at::full_like(data.labels(), context.task_id()));
  return concatenate(data.name() + " and stored", {own, stored_data(rows, context)});
}

std::set<std::int64_t> new_classes(LearntOutputs const& learnt, EventContext const& context) {
  auto const classes = classes_of(context);
  std::set<std::int64_t> fresh(classes.begin(), classes.end());
  for (auto const c : learnt.classes()) fresh.erase(c);
  return fresh;
}

std::set<std::int64_t> old_classes(LearntOutputs const& learnt, EventContext const& context) {
  auto old = learnt.classes();
  if (!new_classes(learnt, context).empty()) return old;
  for (auto const c : classes_of(context)) old.erase(c);
  return old;
}

at::Tensor output_mask(std::set<std::int64_t> const& classes, std::int64_t outputs, at::Device device) {
  auto mask = at::zeros({outputs}, at::kBool);
  for (auto const c : classes) mask[c] = true;
  return mask.to(device);
}

void choose_exemplars(Exemplars& exemplars, Dataset const& data, std::int64_t count, EventContext const& context) {
  exemplars.shrink(count);
  if (count == 0 || data.size() == 0) return;
  auto const labels = std::get<0>(at::_unique(data.labels())).cpu();
  for (std::int64_t i = 0; i < labels.size(0); ++i) {
    auto const label = labels[i].item<std::int64_t>();
    auto const index = data.labels().eq(label).nonzero().squeeze(1);
    auto const rows = joined({chosen_rows(data, index, context), exemplars.of_class(label)});
    auto const order = herding(unit_features(context.learner, rows.data, context.poll), count);
    exemplars.set(label, rows.select(order));
  }
}

void drop(Exemplars& exemplars, Forgotten const& forgotten) {
  for (auto const label : exemplars.classes()) {
    auto const rows = exemplars.of_class(label);
    auto const kept = forgotten.among(rows.data, rows.labels).logical_not().nonzero().squeeze(1);
    if (kept.size(0) < rows.size()) exemplars.set(label, rows.select(kept));
  }
}

}  // namespace mneme
