#include "mneme/experiment/judged_part.hpp"

#include <torch/types.h>

#include <algorithm>
#include <set>

#include "mneme/core/errors.hpp"
#include "mneme/learners/learner.hpp"
#include "mneme/learners/recalls.hpp"
#include "mneme/stream/output_names.hpp"

namespace mneme {

std::vector<std::string> JudgedPart::class_names() const {
  std::vector<std::string> names;
  for (auto const& test : tests)
    if (names.size() < test.class_names().size()) names = test.class_names();
  return names;
}

at::Tensor JudgedPart::test_images(std::int64_t label, std::int64_t most) const {
  std::vector<at::Tensor> found;
  for (auto const& test : tests) {
    auto const index = test.labels().eq(label).nonzero().squeeze(1);
    if (index.size(0) > 0) found.push_back(test.gather(index));
  }
  if (found.empty()) return {};
  auto const all = at::cat(found);
  return all.narrow(0, 0, std::min(all.size(0), most));
}

void JudgedPart::refuse_other_classes() const {
  for (auto const& test : tests)
    if (test.size() > 0 && test.labels().max().item<std::int64_t>() >= judge->classes())
      throw ConfigError("judge.experiment: '" + judge->options().experiment + "' tells " +
                        std::to_string(judge->classes()) + " classes apart, but the model draws class " +
                        std::to_string(test.labels().max().item<std::int64_t>()) + (name.empty() ? "" : " of " + name) +
                        "; name an experiment that is trained on all classes of this stream, in their order (where "
                        "every set has outputs of its own, on all sets together)");
  auto const drawn = class_names(), known = judge->class_names();
  for (std::size_t c = 0; c < std::min(drawn.size(), known.size()); ++c)
    if (!same_class(drawn[c], known[c]))
      throw ConfigError("judge.experiment: '" + judge->options().experiment + "' knows class " + std::to_string(c) +
                        " as '" + known[c] + "', but the model draws '" + drawn[c] +
                        "'; name an experiment that is trained on the classes of this stream, in their order");
}

std::vector<JudgedPart> judged_parts(Learner const& learner, Stream const& stream,
                                     std::function<std::shared_ptr<Judge>(std::string const& dataset)> const& find) {
  std::vector<JudgedPart> parts;
  auto const device = learner.parameters().device();
  auto const* by_domain = dynamic_cast<Recalls const*>(&learner);
  // Data sets, each with its own labels.
  bool const of_sets = stream.name == "domain" && stream.scenario == "domain-incremental";
  if (by_domain == nullptr) {
    auto const tasks = stream.tasks();
    parts.push_back(
        {.name = {}, .judge = find(of_sets && tasks.size() == 1 ? tasks.front()->train.name() : ""), .tests = {}});
    for (auto const* task : stream.tested()) {
      parts.front().tests.push_back(task->test.to(device));
      if (stream.visibility.task_at_test)
        for (auto const c : task->classes) parts.front().tasks[c] = task->id;
    }
    if (parts.front().judge) parts.front().refuse_other_classes();
    return parts;
  }
  std::set<std::string> requests;  // their columns are no domains
  for (auto const& event : stream.events)
    if (auto const* request = std::get_if<Request>(&event)) requests.insert(request->name);
  for (auto const* task : stream.tested())
    if (!requests.contains(task->name))
      parts.push_back({.name = task->name,
                       .id = task->id,
                       .judge = find(of_sets ? task->test.name() : ""),
                       .tests = {task->test.to(device)},
                       .train = task->train.to(device)});
  for (auto const& part : parts)
    if (part.judge) part.refuse_other_classes();
  return parts;
}

}  // namespace mneme
