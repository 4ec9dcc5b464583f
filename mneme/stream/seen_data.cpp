#include "mneme/stream/seen_data.hpp"

#include <torch/types.h>

#include <algorithm>
#include <set>

#include "mneme/core/errors.hpp"
#include "mneme/core/text.hpp"

namespace mneme {
namespace {

[[noreturn]] void refuse(Request const& request, std::string const& problem) {
  throw ConfigError("request to forget '" + request.name + "': " + problem);
}

std::string text_of(std::int64_t number) { return std::to_string(number); }
std::string text_of(std::string const& name) { return "'" + name + "'"; }

template <class T>
void refuse_twice(Request const& request, std::string const& what, std::vector<T> const& list) {
  std::set<T> known;
  for (auto const& one : list)
    if (!known.insert(one).second) refuse(request, what + " " + text_of(one) + " stands twice; name it once");
}

bool holds(at::Tensor const& mask) { return mask.any().item<bool>(); }

/// Both in one, each sample with its task.
Dataset joined(std::string const& name, std::vector<Dataset> const& parts) {
  return parts.size() == 1 ? parts.front().renamed(name) : concatenate(name, parts);
}

}  // namespace

SeenData SeenData::after(Stream const& stream, std::size_t events) {
  SeenData seen;
  for (std::size_t i = 0; i < events; ++i)
    if (auto const* task = std::get_if<Task>(&stream.events[i]))
      seen.learn(*task);
    else
      seen.forget(std::get<Request>(stream.events[i]));
  return seen;
}

std::optional<std::pair<std::size_t, std::int64_t>> SeenData::place_of(std::int64_t sample) const {
  if (sample < 0) return {};
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    if (sample < parts_[i].train.size()) return std::pair(i, sample);
    sample -= parts_[i].train.size();
  }
  return {};
}

bool SeenData::knows(std::int64_t sample) const {
  auto const place = place_of(sample);
  return place && parts_[place->first].known[place->second].item<bool>();
}

void SeenData::learn(Task const& task) {
  parts_.push_back({task.name, task.id, task.train, at::ones_like(task.train.labels(), at::kBool)});
}

void SeenData::mark_classes(Request const& request, std::vector<at::Tensor>& marks) const {
  std::set<std::int64_t> known;
  for (auto const& part : parts_) {
    auto const labels = std::get<0>(at::_unique(part.train.labels().masked_select(part.known))).cpu();
    for (std::int64_t i = 0; i < labels.size(0); ++i) known.insert(labels[i].item<std::int64_t>());
  }
  known.erase(-1);  // no label
  std::vector<std::string> names;
  for (auto const c : known) names.push_back(std::to_string(c));
  for (auto const c : request.classes) {
    bool found = false, ever = false;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      auto const mark = parts_[i].train.labels().eq(c);
      ever |= holds(mark);
      found |= holds(mark.logical_and(parts_[i].known));
      marks[i].logical_or_(mark);
    }
    if (!found)
      refuse(request, "class " + std::to_string(c) + (ever ? " is forgotten already" : " was never learnt") +
                          "; known are the classes " + join(names));
  }
}

void SeenData::mark_tasks(Request const& request, std::vector<at::Tensor>& marks) const {
  std::vector<std::string> names;
  for (auto const& part : parts_) names.push_back(part.name);
  for (auto const& name : request.tasks) {
    bool found = false, ever = false;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      if (parts_[i].name != name) continue;
      ever = true;
      found |= holds(parts_[i].known);
      marks[i].fill_(true);
    }
    if (!found)
      refuse(request, "task '" + name + (ever ? "' is forgotten already" : "' was not learnt before") +
                          "; learnt are " + join(names));
  }
}

void SeenData::mark_samples(Request const& request, std::vector<at::Tensor>& marks) const {
  std::int64_t total = 0;
  for (auto const& part : parts_) total += part.train.size();
  for (auto const sample : request.samples) {
    auto const place = place_of(sample);
    if (!place)
      refuse(request, "there is no sample " + std::to_string(sample) + " among the " + std::to_string(total) +
                          " that were learnt so far; they count from 0 in the order of the tasks");
    auto const [part, row] = *place;
    if (!parts_[part].known[row].item<bool>())
      refuse(request, "sample " + std::to_string(sample) + " is forgotten already");
    marks[part][row] = true;
  }
}

std::vector<at::Tensor> SeenData::asked(Request const& request) const {
  int const kinds =
      (request.classes.empty() ? 0 : 1) + (request.samples.empty() ? 0 : 1) + (request.tasks.empty() ? 0 : 1);
  if (kinds != 1)
    refuse(request, "name either classes, or samples, or tasks" + std::string(kinds == 0 ? "; it names nothing" : ""));
  refuse_twice(request, "class", request.classes);
  refuse_twice(request, "sample", request.samples);
  refuse_twice(request, "task", request.tasks);
  if (parts_.empty()) refuse(request, "nothing was learnt yet");
  std::vector<at::Tensor> marks;
  for (auto const& part : parts_) marks.push_back(at::zeros_like(part.known));
  mark_classes(request, marks);
  mark_tasks(request, marks);
  mark_samples(request, marks);
  bool rest = false;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    rest |= holds(parts_[i].known.logical_and(marks[i].logical_not()));
    marks[i].logical_and_(parts_[i].known);
  }
  if (!rest) refuse(request, "that is all that is known, so nothing would be left; begin a new run instead");
  return marks;
}

ForgetData SeenData::split(Request const& request) const {
  auto const marks = asked(request);
  std::vector<Dataset> forget, retain;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    auto const& part = parts_[i];
    auto const add = [&](std::vector<Dataset>& list, at::Tensor const& mask) {
      if (!holds(mask)) return;
      auto rows = part.train.select(mask.nonzero().squeeze(1));
      list.push_back(rows.tasks().defined() ? rows : rows.with_tasks(at::full_like(rows.labels(), part.id)));
    };
    add(forget, marks[i]);
    add(retain, part.known.logical_and(marks[i].logical_not()));
  }
  return {joined("forget", forget), joined("retain", retain)};
}

SeenData::Count SeenData::count(Request const& request) const {
  auto const marks = asked(request);
  Count count{.forget = 0, .known = 0};
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    count.forget += marks[i].sum().item<std::int64_t>();
    count.known += parts_[i].known.sum().item<std::int64_t>();
  }
  return count;
}

void SeenData::forget(Request const& request) {
  auto const marks = asked(request);
  for (std::size_t i = 0; i < parts_.size(); ++i) parts_[i].known = parts_[i].known.logical_and(marks[i].logical_not());
}

}  // namespace mneme
