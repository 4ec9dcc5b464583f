#include "mneme/memory/buffer.hpp"

#include <torch/types.h>

#include <algorithm>

#include "mneme/core/errors.hpp"
#include "mneme/nets/random.hpp"

namespace mneme {
namespace {

std::vector<std::int64_t> numbers(at::Tensor const& tensor) {
  auto const host = tensor.cpu().contiguous();
  auto const* first = host.const_data_ptr<std::int64_t>();
  return {first, first + host.numel()};
}

at::Tensor as_tensor(std::vector<std::int64_t> const& values, at::Device device) {
  return at::tensor(values, at::kLong).to(device);
}

at::Tensor room_for(std::int64_t capacity, at::Tensor const& like) {
  auto shape = like.sizes().vec();
  shape[0] = capacity;
  return at::zeros(shape, like.options().requires_grad(false));
}

/// Member number floor(u m) of m.
std::int64_t pick(std::vector<std::int64_t> const& members, double uniform) {
  return members[static_cast<std::size_t>(uniform * static_cast<double>(members.size()))];
}

auto const kBySize = [](auto const& a, auto const& b) { return a.second.size() < b.second.size(); };

}  // namespace

void BufferOptions::describe(OptionVisitor& v) {
  v.field("memory", memory, {.help = "capacity of the buffer", .unit = "samples", .min = 0});
  v.field("policy", policy,
          {.help = "which samples are kept",
           .choices = {"reservoir", "ring", "task-balanced", "class-balanced", "greedy"}});
}

Rows Rows::select(at::Tensor const& index) const {
  Rows part{data.index_select(0, index), labels.index_select(0, index), task.index_select(0, index), {}};
  for (auto const& [name, extra] : extras) part.extras.emplace(name, extra.index_select(0, index));
  return part;
}

// --------------------------------------------------------------------------------------------------------- choosing

bool Buffer::by_class() const { return options_.policy == "class-balanced" || options_.policy == "greedy"; }

std::map<std::int64_t, Buffer::Members> Buffer::grouped(std::vector<std::int64_t> const& keys) {
  std::map<std::int64_t, Members> groups;
  for (std::size_t slot = 0; slot < keys.size(); ++slot) groups[keys[slot]].push_back(static_cast<std::int64_t>(slot));
  return groups;
}

std::int64_t Buffer::choose(Item const& item) {
  ++seen_;
  if (options_.policy == "reservoir") {
    auto const slot =
        seen_ <= capacity() ? seen_ - 1 : static_cast<std::int64_t>(item.uniform * static_cast<double>(seen_));
    return slot < capacity() ? slot : -1;
  }
  ++offered_[by_class() ? item.label : item.task];
  return by_class() ? choose_by_class(item, grouped(labels_)) : choose_by_share(item, grouped(tasks_));
}

std::int64_t Buffer::choose_by_share(Item const& item, std::map<std::int64_t, Members> const& groups) {
  auto const found = groups.find(item.task);
  auto const own = found == groups.end() ? Members{} : found->second;
  auto const share = std::max<std::int64_t>(1, capacity() / static_cast<std::int64_t>(offered_.size()));
  bool const ring = options_.policy == "ring";
  auto const oldest = [&](Members const& members) {
    return *std::min_element(members.begin(), members.end(), [&](auto a, auto b) {
      return arrival_[static_cast<std::size_t>(a)] < arrival_[static_cast<std::size_t>(b)];
    });
  };
  if (static_cast<std::int64_t>(own.size()) < share) {
    if (!full()) return size();
    auto const& largest = std::max_element(groups.begin(), groups.end(), kBySize)->second;  // holds more than its share
    return ring ? oldest(largest) : pick(largest, item.uniform);
  }
  if (ring) return oldest(own);
  auto const place = static_cast<std::size_t>(item.uniform * static_cast<double>(offered_[item.task]));
  return place < own.size() ? own[place] : -1;
}

std::int64_t Buffer::choose_by_class(Item const& item, std::map<std::int64_t, Members> const& groups) {
  auto const found = groups.find(item.label);
  auto const own = found == groups.end() ? Members{} : found->second;
  if (options_.policy == "greedy") {
    if (static_cast<std::int64_t>(own.size() * offered_.size()) >= capacity()) return -1;
    return full() ? pick(std::max_element(groups.begin(), groups.end(), kBySize)->second, item.uniform) : size();
  }
  if (!full()) return size();
  auto const most = std::max_element(groups.begin(), groups.end(), kBySize)->second.size();
  for (auto const& [label, members] : groups)
    if (members.size() == most) once_largest_.insert(label);
  if (!once_largest_.contains(item.label))
    return pick(std::max_element(groups.begin(), groups.end(), kBySize)->second, item.uniform);
  auto const place = static_cast<std::size_t>(item.uniform * static_cast<double>(offered_[item.label]));
  return place < own.size() ? own[place] : -1;
}

void Buffer::reserve(Rows const& like) {
  if (store_.data.defined()) return;
  store_ = {room_for(capacity(), like.data), room_for(capacity(), like.labels), room_for(capacity(), like.task), {}};
  for (auto const& [name, extra] : like.extras) store_.extras.emplace(name, room_for(capacity(), extra));
}

void Buffer::offer(Rows const& rows, at::Generator& generator) {
  auto const n = rows.size();
  if (capacity() == 0 || n == 0) return;
  at::NoGradGuard const no_grad;
  reserve(rows);
  auto const uniform = at::rand({n}, generator, at::kDouble);
  auto const* u = uniform.const_data_ptr<double>();
  auto const labels = numbers(rows.labels), tasks = numbers(rows.task);
  std::map<std::int64_t, std::int64_t> chosen;  // slot -> row; a later row overwrites an earlier one
  for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
    auto const slot = choose({labels[i], tasks[i], u[i]});
    if (slot < 0) continue;
    chosen[slot] = static_cast<std::int64_t>(i);
    enter(slot, labels[i], tasks[i]);
  }
  write(chosen, rows);
}

void Buffer::put(Rows const& rows, at::Tensor const& slots) {
  if (rows.size() == 0) return;
  at::NoGradGuard const no_grad;
  reserve(rows);
  auto const labels = numbers(rows.labels), tasks = numbers(rows.task), to = numbers(slots);
  std::map<std::int64_t, std::int64_t> chosen;
  for (std::size_t i = 0; i < to.size(); ++i) {
    ++seen_;
    chosen[to[i]] = static_cast<std::int64_t>(i);
    enter(to[i], labels[i], tasks[i]);
  }
  write(chosen, rows);
}

void Buffer::enter(std::int64_t slot, std::int64_t label, std::int64_t task) {
  if (slot == size())
    for (auto* list : {&labels_, &tasks_, &arrival_}) list->push_back(0);
  auto const at = static_cast<std::size_t>(slot);
  labels_[at] = label;
  tasks_[at] = task;
  arrival_[at] = seen_;
}

void Buffer::write(std::map<std::int64_t, std::int64_t> const& chosen, Rows const& rows) {
  if (chosen.empty()) return;
  Members slots, from;
  for (auto const& [slot, row] : chosen) {
    slots.push_back(slot);
    from.push_back(row);
  }
  auto const to = as_tensor(slots, store_.data.device());
  auto const part = rows.select(as_tensor(from, rows.data.device()));
  store_.data.index_copy_(0, to, part.data);
  store_.labels.index_copy_(0, to, part.labels);
  store_.task.index_copy_(0, to, part.task);
  for (auto const& [name, extra] : part.extras) store_.extras.at(name).index_copy_(0, to, extra);
}

void Buffer::clear() { *this = Buffer(std::move(options_)); }

// ---------------------------------------------------------------------------------------------------------- drawing

Rows Buffer::used() const {
  Rows rows{store_.data.narrow(0, 0, size()), store_.labels.narrow(0, 0, size()), store_.task.narrow(0, 0, size()), {}};
  for (auto const& [name, extra] : store_.extras) rows.extras.emplace(name, extra.narrow(0, 0, size()));
  return rows;
}

Rows Buffer::all() const { return empty() ? Rows{} : used(); }

Rows Buffer::slots(Members const& members) const {
  return members.empty() ? Rows{} : used().select(as_tensor(members, store_.data.device()));
}

Rows Buffer::of_task(std::int64_t task) const { return slots(grouped(tasks_)[task]); }

namespace {

[[noreturn]] void nothing_stored(std::string const& what) {
  throw ConfigError("replay buffer: a sample was asked of " + what + "; insert before sampling");
}

}  // namespace

Rows Buffer::sample(std::int64_t n, at::Generator& generator) const {
  if (empty()) nothing_stored("an empty buffer");
  return used().select(draw_indices(size(), n, generator, store_.data.device()));
}

Rows Buffer::sample_distinct(std::int64_t n, at::Generator& generator) const {
  if (empty()) nothing_stored("an empty buffer");
  return used().select(draw_permutation(size(), generator, store_.data.device()).narrow(0, 0, std::min(n, size())));
}

Rows Buffer::sample_task(std::int64_t task, std::int64_t n, at::Generator& generator) const {
  auto const rows = of_task(task);
  if (rows.size() == 0) nothing_stored("task " + std::to_string(task) + ", of which it holds nothing");
  return rows.select(draw_indices(rows.size(), n, generator, rows.data.device()));
}

Rows Buffer::sample_balanced(std::int64_t n, at::Generator& generator) const {
  if (empty()) nothing_stored("an empty buffer");
  auto const by_task = grouped(tasks_);
  auto const tasks = static_cast<std::int64_t>(by_task.size());
  auto const extra = numbers(draw_permutation(tasks, generator, at::kCPU).narrow(0, 0, n % tasks));
  Members chosen;
  std::int64_t number = 0;
  for (auto const& [task, members] : by_task) {
    auto const share = n / tasks + (std::find(extra.begin(), extra.end(), number++) != extra.end() ? 1 : 0);
    for (auto const i : numbers(draw_indices(static_cast<std::int64_t>(members.size()), share, generator, at::kCPU)))
      chosen.push_back(members[static_cast<std::size_t>(i)]);
  }
  auto const rows = slots(chosen);
  return rows.select(draw_permutation(rows.size(), generator, rows.data.device()));
}

std::map<std::int64_t, std::int64_t> Buffer::task_distribution() const {
  std::map<std::int64_t, std::int64_t> counts;
  for (auto const task : tasks_) ++counts[task];
  return counts;
}

Json Buffer::stats() const {
  Json tasks = Json::object();
  for (auto const& [task, count] : task_distribution()) tasks[std::to_string(task)] = count;
  return {{"capacity", capacity()},    {"size", size()}, {"seen", seen_}, {"full", full()},
          {"policy", options_.policy}, {"tasks", tasks}};
}

// ------------------------------------------------------------------------------------------------------------ state

void Buffer::state(Archive& archive) {
  auto capacity = options_.memory;
  auto policy = options_.policy;
  archive.field("capacity", capacity);
  archive.field("policy", policy);
  if (capacity != options_.memory || policy != options_.policy)
    throw CheckpointError("the stored buffer holds up to " + std::to_string(capacity) + " samples chosen by '" +
                          policy + "', this configuration asks for " + std::to_string(options_.memory) + " by '" +
                          options_.policy + "': what was not kept cannot be drawn again. Keep `memory` and `policy`, " +
                          "or begin a new run");
  archive.field("seen", seen_);
  archive.field("data", store_.data);
  archive.field("labels", store_.labels);
  archive.field("task", store_.task);
  Json names = Json::array();
  for (auto const& [name, extra] : store_.extras) names.push_back(name);
  archive.field("extras", names);
  for (auto const& name : names) archive.field("extra/" + name.get<std::string>(), store_.extras[name]);
  auto arrival = at::tensor(arrival_, at::kLong);
  archive.field("arrival", arrival);
  Json offered(offered_), largest(once_largest_);
  archive.field("offered", offered);
  archive.field("once_largest", largest);
  if (!archive.loading()) return;
  arrival_ = numbers(arrival);
  offered_ = offered.get<decltype(offered_)>();
  once_largest_ = largest.get<decltype(once_largest_)>();
  labels_ = tasks_ = {};
  if (arrival_.empty()) return;
  auto const n = static_cast<std::int64_t>(arrival_.size());
  labels_ = numbers(store_.labels.narrow(0, 0, n));
  tasks_ = numbers(store_.task.narrow(0, 0, n));
}

}  // namespace mneme
