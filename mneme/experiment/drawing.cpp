#include "mneme/experiment/drawing.hpp"

#include <torch/types.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "mneme/core/errors.hpp"
#include "mneme/core/registry.hpp"
#include "mneme/core/text.hpp"
#include "mneme/data/numbers.hpp"
#include "mneme/experiment/sheet.hpp"
#include "mneme/learners/conditional.hpp"
#include "mneme/learners/recalls.hpp"
#include "mneme/stream/class_history.hpp"
#include "mneme/stream/output_names.hpp"
#include "mneme/train/trainer.hpp"

namespace mneme {
namespace {

constexpr std::int64_t kAtOnce = 500;

using Numbers = std::vector<std::int64_t>;

std::optional<std::int64_t> number_in(std::string const& text) {
  std::int64_t value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

/// What there is to ask for, and its names.
struct Askable {
  std::vector<Task const*> tasks;
  std::vector<std::string> classes;  // names; empty where they say nothing
  bool named;                        // else classes are codes that the learner found without labels

  Askable(Stream const& stream, bool knows_labels) : tasks(stream.tested()), named(knows_labels) {
    for (auto const* task : tasks) {
      auto const& names = task->test.class_names();
      if (task == tasks.front()) classes = names;
      if (classes != names) classes.clear();
    }
  }
  [[nodiscard]] std::vector<std::string> task_names() const {
    std::vector<std::string> names;
    for (auto const* task : tasks) names.push_back(task->name);
    return names;
  }
  [[nodiscard]] Task const* task(std::int64_t id) const {
    for (auto const* one : tasks)
      if (one->id == id) return one;
    return nullptr;
  }
  /// Of that name or number.
  [[nodiscard]] Task const& task(std::string const& text) const {
    for (auto const* one : tasks)
      if (one->name == text) return *one;
    if (auto const id = number_in(text); id && task(*id) != nullptr) return *task(*id);
    throw ConfigError("--domain " + text + ": no domain of this run: " + suggestion(text, task_names()) +
                      "; or its number, from 0");
  }
  /// Names of a domain's classes; every data set has its own.
  [[nodiscard]] std::vector<std::string> names_of(Task const* task) const {
    if (!named) return {};
    return task ? task->test.class_names() : classes;
  }
  /// Of that name or number; nothing where it is neither.
  [[nodiscard]] std::optional<std::int64_t> label(std::string const& text, Task const* task) const {
    auto const names = names_of(task);
    auto const found = task ? output_named(names, task->name + ": " + text) : std::nullopt;
    return found ? found : output_meant(names, text, "--class");
  }
};

std::string class_text(std::int64_t label, std::vector<std::string> const& names) {
  auto const number = std::to_string(label);
  auto const c = static_cast<std::size_t>(label);
  return "class " + number + (c < names.size() && names[c] != number ? " (" + names[c] + ")" : "");
}

Numbers places(at::Tensor const& mask) { return numbers_of(mask.nonzero().squeeze(1)); }

/// The pairs of domain and class that are asked for.
struct Pairs {
  Numbers domains, labels;
};

[[noreturn]] void refuse_class(std::string const& text, Numbers const& classes, std::vector<std::string> const& names,
                               std::string const& of, bool named = true) {
  std::vector<std::string> known;
  for (auto const c : classes) known.push_back(class_text(c, names));
  throw ConfigError("--class " + text + ": no class that was learnt of " + of + "; there is: " + join(known) +
                    (named ? "" : ". They were learnt without labels and have no names"));
}

/// Classes of the events that the learner has been trained on; all of `classes` where the tasks have no labels.
ClassHistory known_classes(LoadedArm const& arm, std::int64_t classes) {
  auto history = class_history(arm.stream, arm.trainer->events_trained() - 1);
  if (history.learnt.empty())
    for (std::int64_t c = 0; c < classes; ++c)
      for (auto* set : {&history.learnt, &history.known}) set->insert(c);
  return history;
}

Pairs pairs_of(at::Tensor const& met, Askable const& askable, DrawRequest const& request) {
  auto wanted = places(met.any(1));
  if (wanted.empty()) throw ConfigError("the learner has met no domain yet; sample a later checkpoint");
  std::vector<std::string> names;
  for (auto const id : wanted)
    if (auto const* task = askable.task(id)) names.push_back(task->name);
  if (!request.domain.empty()) {
    auto const& only = askable.task(request.domain);
    if (std::find(wanted.begin(), wanted.end(), only.id) == wanted.end())
      throw ConfigError("--domain " + request.domain + ": the learner has not met '" + only.name +
                        "' at this checkpoint, so that it has nothing to draw; it has met: " + join(names));
    wanted = {only.id};
    names = {only.name};
  }
  Pairs pairs;
  for (auto const id : wanted) {
    auto const classes = places(met[id]);
    auto const label = askable.label(request.of_class, askable.task(id));
    for (auto const c : classes) {
      if (!request.of_class.empty() && label != c) continue;
      pairs.domains.push_back(id);
      pairs.labels.push_back(c);
    }
  }
  if (pairs.labels.empty())
    refuse_class(request.of_class, places(met.index_select(0, at::tensor(wanted, at::kLong)).any(0)),
                 askable.names_of(wanted.size() == 1 ? askable.task(wanted.front()) : nullptr), join(names, " or "),
                 askable.named);
  return pairs;
}

/// `draw_some`(first, n) for rows [first, first + n) of `count`, one behind the other.
template <class Draw>
at::Tensor in_parts(std::int64_t count, Draw draw_some) {
  std::vector<at::Tensor> parts;
  for (std::int64_t first = 0; first < count; first += kAtOnce)
    parts.push_back(draw_some(first, std::min(kAtOnce, count - first)).cpu());
  auto images = at::cat(parts);
  if (!is_picture(images))
    throw ConfigError("what the learner draws is no gray or colour image, so that there is no picture to write");
  return images;
}

at::Tensor in_turn(Numbers const& numbers, std::int64_t first, std::int64_t n, at::Device device) {
  auto const place = at::arange(first, first + n, at::kLong).remainder(static_cast<std::int64_t>(numbers.size()));
  return at::tensor(numbers, at::kLong).index_select(0, place).to(device);
}

Drawing draw_domains(Recalls const& model, Askable const& askable, DrawRequest const& request, at::Device device,
                     at::Generator& noise) {
  auto const pairs = pairs_of(model.met(), askable, request);
  auto const images = in_parts(request.count, [&](std::int64_t first, std::int64_t n) {
    return model.draw(in_turn(pairs.labels, first, n, device), in_turn(pairs.domains, first, n, device), noise);
  });
  auto const constant = [](Numbers const& list) {
    return std::set<std::int64_t>(list.begin(), list.end()).size() == 1;
  };
  auto const* task = constant(pairs.domains) ? askable.task(pairs.domains.front()) : nullptr;
  auto const what = constant(pairs.labels) ? class_text(pairs.labels.front(), askable.names_of(task))
                                           : std::string("its classes in turn");
  return {images,
          what + " of " + (task ? task->name : "every domain in turn") +
              (model.knows_labels() ? "" : " (classes that it found without labels)"),
          in_turn(pairs.labels, 0, request.count, at::kCPU)};
}

/// Classes of a conditional model, or none where the model has no say in what it draws.
Drawing draw_as_in_test(LoadedArm& arm, Askable const& askable, DrawRequest const& request, at::Generator& noise) {
  auto& learner = *arm.learner;
  auto const* by_class = dynamic_cast<Conditional const*>(&learner);
  bool const told = arm.stream.visibility.task_at_test;
  Task const* task = nullptr;
  if (!request.domain.empty()) task = &askable.task(request.domain);
  if (task && !told && askable.tasks.size() > 1)
    throw ConfigError("--domain " + request.domain + ": the learner '" + learner.kind() +
                      "' has no code for a domain and is not told the task at test; leave it out");
  if (!task && told)
    throw ConfigError("this run is task-incremental, its learner has to be told which task it draws for: --domain " +
                      join(askable.task_names(), " | "));
  if (!by_class && !request.of_class.empty())
    throw ConfigError("--class " + request.of_class + ": the learner '" + learner.kind() +
                      "' draws samples of its prior and cannot be asked for a class; leave it out, or train a cvae or "
                      "an lgaa");
  TestScope const scope(arm.trainer->strategies(), {learner, told && task ? std::optional(task->id) : std::nullopt});
  auto const device = learner.parameters().device();
  std::string const of = task ? " of " + task->name : "";
  if (!by_class) {
    auto& model = dynamic_cast<Generates&>(learner);
    return {in_parts(request.count, [&](std::int64_t, std::int64_t n) { return model.sample(n, noise); }),
            "samples of the prior" + of,
            {}};
  }
  auto const history = known_classes(arm, by_class->classes());
  Numbers labels(history.known.begin(), history.known.end());
  if (!request.of_class.empty()) {
    auto const label = askable.label(request.of_class, task);
    if (!label || !history.learnt.contains(*label))
      refuse_class(request.of_class, {history.learnt.begin(), history.learnt.end()}, askable.names_of(task),
                   "this learner");
    labels = {*label};
  }
  auto const images = in_parts(request.count, [&](std::int64_t first, std::int64_t n) {
    return by_class->sample_of(in_turn(labels, first, n, device), noise);
  });
  bool const forgotten = labels.size() == 1 && history.forgotten.contains(labels.front());
  return {images,
          (labels.size() == 1 ? class_text(labels.front(), askable.names_of(task)) : "its classes in turn") + of +
              (forgotten ? ", which it was asked to forget" : ""),
          in_turn(labels, 0, request.count, at::kCPU)};
}

}  // namespace

Drawing draw(LoadedArm& arm, DrawRequest const& request) {
  at::NoGradGuard const no_grad;
  auto& learner = *arm.learner;
  auto const* model = dynamic_cast<Recalls const*>(&learner);
  Askable const askable(arm.stream, model == nullptr || model->knows_labels());
  auto noise = RandomStreams(request.seed).fresh("sample");
  if (model != nullptr) return draw_domains(*model, askable, request, learner.parameters().device(), noise);
  if (dynamic_cast<Conditional const*>(&learner) == nullptr && dynamic_cast<Generates const*>(&learner) == nullptr)
    throw ConfigError(
        "the run's learner is a " + learner.kind() +
        ", which draws nothing on demand; those that do are vae, cvae, progressive-vae, progressive-cvae and lgaa");
  return draw_as_in_test(arm, askable, request, noise);
}

}  // namespace mneme
