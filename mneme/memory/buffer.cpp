#include "mneme/memory/buffer.hpp"

#include <torch/types.h>

#include <algorithm>
#include <numeric>
#include <optional>

#include "mneme/core/errors.hpp"
#include "mneme/data/numbers.hpp"
#include "mneme/nets/random.hpp"

namespace mneme {
namespace {

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

/// Moves a slot from one group to another; a new one comes from none. Groups without members are not kept.
template <class Groups>
void move_slot(Groups& groups, std::optional<std::int64_t> from, std::int64_t to, std::int64_t slot) {
  if (from == to) return;
  auto const place = [&](auto& members) { return std::lower_bound(members.begin(), members.end(), slot); };
  if (from) {
    auto const group = groups.find(*from);
    group->second.erase(place(group->second));
    if (group->second.empty()) groups.erase(group);
  }
  auto& members = groups[to];
  members.insert(place(members), slot);
}

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

std::int64_t Buffer::choose(Item const& item) {
  ++seen_;
  if (options_.policy == "reservoir") {
    auto const slot =
        seen_ <= capacity() ? seen_ - 1 : static_cast<std::int64_t>(item.uniform * static_cast<double>(seen_));
    return slot < capacity() ? std::min(slot, size()) : -1;  // free places, after a removal, are filled first
  }
  ++offered_[by_class() ? item.label : item.task];
  return by_class() ? choose_by_class(item) : choose_by_share(item);
}

std::int64_t Buffer::choose_by_share(Item const& item) {
  auto const found = of_task_.find(item.task);
  auto const held = found == of_task_.end() ? 0 : found->second.size();
  auto const share = std::max<std::int64_t>(1, capacity() / static_cast<std::int64_t>(offered_.size()));
  bool const ring = options_.policy == "ring";
  if (static_cast<std::int64_t>(held) < share) {
    if (!full()) return size();
    auto const& [task, members] = *std::max_element(of_task_.begin(), of_task_.end(), kBySize);  // above its share
    return ring ? queues_.at(task).front() : pick(members, item.uniform);
  }
  if (ring) return queues_.at(item.task).front();
  auto const place = static_cast<std::size_t>(item.uniform * static_cast<double>(offered_[item.task]));
  return place < held ? found->second[place] : -1;
}

std::int64_t Buffer::choose_by_class(Item const& item) {
  auto const found = of_class_.find(item.label);
  auto const held = found == of_class_.end() ? 0 : found->second.size();
  auto const of_the_largest = [&] {
    return pick(std::max_element(of_class_.begin(), of_class_.end(), kBySize)->second, item.uniform);
  };
  if (options_.policy == "greedy") {
    if (static_cast<std::int64_t>(held * offered_.size()) >= capacity()) return -1;
    return full() ? of_the_largest() : size();
  }
  if (!full()) return size();
  auto const most = std::max_element(of_class_.begin(), of_class_.end(), kBySize)->second.size();
  for (auto const& [label, members] : of_class_)
    if (members.size() == most) once_largest_.insert(label);
  if (!once_largest_.contains(item.label)) return of_the_largest();
  auto const place = static_cast<std::size_t>(item.uniform * static_cast<double>(offered_[item.label]));
  return place < held ? found->second[place] : -1;
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
  auto const labels = numbers_of(rows.labels), tasks = numbers_of(rows.task);
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
  auto const labels = numbers_of(rows.labels), tasks = numbers_of(rows.task), to = numbers_of(slots);
  std::map<std::int64_t, std::int64_t> chosen;
  for (std::size_t i = 0; i < to.size(); ++i) {
    ++seen_;
    chosen[to[i]] = static_cast<std::int64_t>(i);
    enter(to[i], labels[i], tasks[i]);
  }
  write(chosen, rows);
}

void Buffer::enter(std::int64_t slot, std::int64_t label, std::int64_t task) {
  auto const at = static_cast<std::size_t>(slot);
  bool const fresh = slot == size();
  auto const before = [&](std::vector<std::int64_t> const& keys) {
    return fresh ? std::nullopt : std::optional(keys[at]);
  };
  move_slot(of_class_, before(labels_), label, slot);
  move_slot(of_task_, before(tasks_), task, slot);
  if (options_.policy == "ring") {
    if (!fresh) {
      auto& queue = queues_[tasks_[at]];
      queue.erase(std::find(queue.begin(), queue.end(), slot));  // the first, where the policy chose it
    }
    queues_[task].push_back(slot);
  }
  if (fresh)
    for (auto* list : {&labels_, &tasks_, &arrival_}) list->push_back(0);
  labels_[at] = label;
  tasks_[at] = task;
  arrival_[at] = seen_;
}

void Buffer::regroup() {
  of_class_.clear();
  of_task_.clear();
  queues_.clear();
  Members order(labels_.size());
  std::iota(order.begin(), order.end(), 0);
  for (auto const slot : order) {
    of_class_[labels_[static_cast<std::size_t>(slot)]].push_back(slot);
    of_task_[tasks_[static_cast<std::size_t>(slot)]].push_back(slot);
  }
  if (options_.policy != "ring") return;
  std::sort(order.begin(), order.end(), [&](auto a, auto b) {
    return arrival_[static_cast<std::size_t>(a)] < arrival_[static_cast<std::size_t>(b)];
  });
  for (auto const slot : order) queues_[tasks_[static_cast<std::size_t>(slot)]].push_back(slot);
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

void Buffer::remove(at::Tensor const& mask) {
  if (empty()) return;
  at::NoGradGuard const no_grad;
  auto const kept = numbers_of(mask.logical_not().nonzero().squeeze(1));
  auto const left = [](std::int64_t offered, std::size_t now, std::size_t before) {
    return offered * static_cast<std::int64_t>(now) / static_cast<std::int64_t>(before);
  };
  auto const& groups = by_class() ? of_class_ : of_task_;
  auto const before = groups;
  auto const size_before = labels_.size();
  auto const rows = slots(kept);
  for (auto* list : {&labels_, &tasks_, &arrival_}) {
    Members moved;
    for (auto const slot : kept) moved.push_back((*list)[static_cast<std::size_t>(slot)]);
    *list = std::move(moved);
  }
  std::map<std::int64_t, std::int64_t> chosen;
  for (std::int64_t slot = 0; slot < size(); ++slot) chosen[slot] = slot;
  write(chosen, rows);
  auto const clear = [&](at::Tensor& store) { store.narrow(0, size(), store.size(0) - size()).zero_(); };
  for (auto* store : {&store_.data, &store_.labels, &store_.task}) clear(*store);  // they go into checkpoints
  for (auto& [name, extra] : store_.extras) clear(extra);
  seen_ = left(seen_, kept.size(), size_before);
  regroup();
  for (auto const& [group, members] : before) {
    auto const found = groups.find(group);
    if (found == groups.end()) {
      offered_.erase(group);
      once_largest_.erase(group);
    } else if (auto const offered = offered_.find(group); offered != offered_.end()) {
      offered->second = left(offered->second, found->second.size(), members.size());
    }
  }
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

Rows Buffer::of_task(std::int64_t task) const {
  auto const found = of_task_.find(task);
  return found == of_task_.end() ? Rows{} : slots(found->second);
}

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

Buffer::Members Buffer::drawn(Members const& members, std::int64_t n, at::Generator& generator) {
  auto const size = static_cast<std::int64_t>(members.size());
  auto chosen = numbers_of(n <= size ? draw_permutation(size, generator, at::kCPU).narrow(0, 0, n)
                                     : draw_indices(size, n, generator, at::kCPU));
  for (auto& i : chosen) i = members[static_cast<std::size_t>(i)];
  return chosen;
}

Rows Buffer::sample_task(std::int64_t task, std::int64_t n, at::Generator& generator) const {
  auto const found = of_task_.find(task);
  if (found == of_task_.end()) nothing_stored("task " + std::to_string(task) + ", of which it holds nothing");
  return slots(drawn(found->second, n, generator));
}

Rows Buffer::sample_balanced(std::int64_t n, at::Generator& generator) const {
  if (empty()) nothing_stored("an empty buffer");
  auto const tasks = static_cast<std::int64_t>(of_task_.size());
  auto const extra = numbers_of(draw_permutation(tasks, generator, at::kCPU).narrow(0, 0, n % tasks));
  Members chosen;
  std::int64_t number = 0;
  for (auto const& [task, members] : of_task_) {
    auto const share = n / tasks + (std::find(extra.begin(), extra.end(), number++) != extra.end() ? 1 : 0);
    auto const part = drawn(members, share, generator);
    chosen.insert(chosen.end(), part.begin(), part.end());
  }
  Members order = numbers_of(draw_permutation(n, generator, at::kCPU));
  for (auto& i : order) i = chosen[static_cast<std::size_t>(i)];
  return slots(order);
}

std::map<std::int64_t, std::int64_t> Buffer::task_distribution() const {
  std::map<std::int64_t, std::int64_t> counts;
  for (auto const& [task, members] : of_task_) counts[task] = static_cast<std::int64_t>(members.size());
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
  arrival_ = numbers_of(arrival);
  offered_ = offered.get<decltype(offered_)>();
  once_largest_ = largest.get<decltype(once_largest_)>();
  labels_ = tasks_ = {};
  if (!arrival_.empty()) {
    auto const n = static_cast<std::int64_t>(arrival_.size());
    labels_ = numbers_of(store_.labels.narrow(0, 0, n));
    tasks_ = numbers_of(store_.task.narrow(0, 0, n));
  }
  regroup();
}

}  // namespace mneme
