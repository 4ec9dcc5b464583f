#include "mneme/experiment/risk.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "mneme/core/errors.hpp"
#include "mneme/data/numbers.hpp"
#include "mneme/experiment/event_rows.hpp"
#include "mneme/io/json_file.hpp"
#include "mneme/strategies/self_replay.hpp"

namespace mneme {
namespace {

/// Samples in an order of their own, as inputs [N, ...].
Dataset some(Dataset const& data, std::int64_t count, at::Generator generator) {
  auto const order = draw_permutation(data.size(), generator, at::kCPU);
  auto const part = data.select(order.narrow(0, 0, std::min(count, data.size())).to(data.device()));
  return part.with(Dataset::to_input(part.data()), part.labels());
}

Dataset of_task(Dataset const& data, std::int64_t id) { return data.with_tasks(at::full_like(data.labels(), id)); }

Dataset labelled(Dataset const& data, std::int64_t label) {
  return data.with(data.data(), at::full_like(data.labels(), label));
}

/// Every other sample.
Dataset half(Dataset const& data, std::int64_t which) {
  return data.select(at::arange(which, data.size(), 2, data.labels().options()));
}

/// Errors on the second half of each set of a net that was trained on the first halves together.
std::vector<double> errors_of(std::vector<Dataset> const& sets, std::int64_t classes, RiskOptions const& options,
                              std::uint64_t seed) {
  std::vector<Dataset> first;
  for (auto const& set : sets) first.push_back(half(set, 0));
  auto const all = concatenate("risk", first);
  RandomStreams streams(seed);
  auto const& row = find_row(learner_table(), "learner", "classifier");
  auto const learner = row.make({.input = all.sample_shape(), .classes = classes, .device = all.device()},
                                {{"net", "cnn"}}, "risk", streams.get("risk/init"));
  TrainOptions train;
  train.steps = options.steps;
  train.log_every = std::int64_t{1} << 40;
  Trainer trainer(*learner, {}, train, {}, seed);
  trainer.learn({.name = "risk", .id = 0, .train = all, .test = half(sets.front(), 1), .classes = {}});
  std::vector<double> errors;
  for (auto const& set : sets) errors.push_back(1 - trainer.test(half(set, 1), std::nullopt).front());
  return errors;
}

}  // namespace

void RiskOptions::describe(OptionVisitor& v) {
  v.field("samples", samples, {.help = "of the target for each task, and as many of the source", .min = 10});
  v.field(
      "steps", steps,
      {.help = "of training the two nets that discrepancy and joint error are measured with, on half of the samples",
       .unit = "steps",
       .min = 1});
}

double discrepancy(double error_on_source, double error_on_target) {
  return std::max(0.0, 2 * (1 - (error_on_source + error_on_target)));
}

void check_risk(Stream const& stream, Trainer& trainer, TrainOptions const& train) {
  auto const& passes = train.epochs_per_event;
  if (train.steps == 0 && (passes.empty() ? train.epochs == 0 : std::ranges::find(passes, 0) != passes.end()))
    throw ConfigError("[risk]: the source risk is over what is trained on, and with no epochs nothing is. Set " +
                      std::string(passes.empty() ? "train.epochs" : "train.epochs_per_event") +
                      " above 0, or leave the table out");
  if (auto const metric = trainer.learner().metrics().front().name; metric != "accuracy")
    throw ConfigError("[risk]: the risk is a share of wrong answers, and learner '" + trainer.learner().kind() +
                      "' is measured by its " + metric + "; leave the table out");
  auto const lacks = [](Task const* task) { return task->train.labels().min().item<std::int64_t>() < 0; };
  auto const tasks = stream.tasks();
  if (!stream.visibility.labels || std::any_of(tasks.begin(), tasks.end(), lacks))
    throw ConfigError(
        "[risk]: the source risk is over what is trained on, and not all of that has a label in this stream. Leave the "
        "table out, or the change that takes the labels");
  for (auto const* task : stream.tasks())
    if (task->test.size() == 0)
      throw ConfigError("[risk]: task '" + task->name +
                        "' has no test samples, and the target is of all tasks so far. Leave the table out, or give it "
                        "some");
  for (auto const& member : trainer.strategies().members()) {
    auto const name = member.key.substr(member.key.rfind(':') + 1);
    if (name != "naive" && name != "joint" && name != "cumulative" && name != "self-replay")
      throw ConfigError("[risk]: what strategy '" + name + "' trains on is not known here; it can be told of naive, " +
                        "joint, cumulative and self-replay. Leave the table out of this arm");
  }
}

RiskObserver::RiskObserver(std::filesystem::path file, RiskOptions options, Stream const& stream, Trainer& trainer,
                           TrainOptions const& train, std::uint64_t seed)
    : file_(std::move(file)),
      options_(options),
      stream_(stream),
      trainer_(trainer),
      batch_(train.batch),
      streams_(seed) {
  check_risk(stream, trainer, train);
  if (std::filesystem::exists(file_)) {
    auto const kept = read_json(file_);
    events_ = kept.at("events");
    rows_ = kept.at("rows");
  }
}

void RiskObserver::line(Json const& line) {
  auto const event = line.at("event").get<std::int64_t>();
  auto const kind = line.at("kind").get<std::string>();
  bool const measured = kind == "evaluation" && line.at("part") == "full";
  if (measured && line.at("step") == 0) return;  // before training
  if (event != event_ && (kind == "event" || kind == "step" || measured)) begin(event);
  if (measured && source_) add_row(line);
}

std::vector<Task const*> RiskObserver::met(std::int64_t event) const {
  std::set<std::int64_t> ids;
  for (std::int64_t i = 0; i <= event; ++i) {
    auto const* task = std::get_if<Task>(&stream_.events[static_cast<std::size_t>(i)]);
    if (task == nullptr) continue;
    auto const& of_rows = task->train.tasks();  // of data that several tasks were put together from
    auto const own = of_rows.defined() ? numbers_of(std::get<0>(at::_unique(of_rows))) : std::vector{task->id};
    ids.insert(own.begin(), own.end());
  }
  auto list = stream_.tested();
  std::erase_if(list, [&](Task const* task) { return !ids.contains(task->id); });
  return list;
}

Dataset RiskObserver::target_of(std::vector<Task const*> const& tasks) {
  auto each = options_.samples;
  for (auto const* task : tasks) each = std::min(each, task->test.size());  // a small set would weigh less
  std::vector<Dataset> parts;
  for (auto const* task : tasks)
    parts.push_back(of_task(some(task->test, each, streams_.fresh("risk/target/" + task->name)), task->id));
  return concatenate("target", parts);
}

Dataset RiskObserver::source_of(Task const& task, std::int64_t count, bool first) {
  auto* replay = first ? nullptr : self_replay_of(trainer_.strategies());
  auto const share = replay ? replay->new_share(batch_) : 1.0;
  auto const own = static_cast<std::int64_t>(std::llround(share * static_cast<double>(count)));
  auto fresh = some(task.train, own, streams_.fresh("risk/source/" + task.name));
  if (!fresh.tasks().defined()) fresh = of_task(fresh, task.id);
  if (own == count) return fresh;
  auto const drawn_count =  // as in a step
      own == 0 ? count : std::llround(static_cast<double>(fresh.size()) * (1 - share) / share);
  auto noise = streams_.fresh("risk/replay/" + task.name);
  auto const drawn = replay->drawn(trainer_.learner(), drawn_count, noise);
  auto const cpu = [](at::Tensor const& t) { return t.to(at::kCPU); };
  return concatenate("source", {fresh.to(at::kCPU),
                                Dataset("replay", cpu(drawn.x), cpu(drawn.labels), {}).with_tasks(cpu(drawn.domains))});
}

void RiskObserver::begin(std::int64_t event) {
  event_ = event;
  source_.reset();
  auto const* task = std::get_if<Task>(&stream_.events[static_cast<std::size_t>(event)]);
  if (!task) return;
  for (auto* list : {&events_, &rows_}) keep_before(*list, event + 1);
  // Resumed after the event's training, what it was replayed from is gone; rows of its epochs stand already.
  auto const before = std::count_if(stream_.events.begin(), stream_.events.begin() + event, is_learn);
  bool const first = before == 0;
  if (auto const* replay = self_replay_of(trainer_.strategies()); !first && replay && replay->tasks() > before) return;
  auto const target = target_of(met(event));
  source_ = source_of(*task, target.size(), first);
  if (std::any_of(events_.begin(), events_.end(), [&](Json const& e) { return e.at("event") == event; })) return;
  auto const even = std::min(target.size(), source_->size());  // else the more frequent side is always a good answer
  auto const part = [&](Dataset const& data) { return some(data, even, streams_.fresh("risk/even")); };
  auto const telling =
      errors_of({labelled(part(target), 0), labelled(part(*source_), 1)}, 2, options_, streams_.seed());
  auto const both = errors_of({target, *source_}, stream_.classes, options_, streams_.seed());
  events_.push_back({{"event", event},
                     {"task", task->name},
                     {"discrepancy", discrepancy(telling[1], telling[0])},
                     {"joint_error", both[0] + both[1]}});
  write();
}

void RiskObserver::add_row(Json const& line) {
  auto const& event = events_.back();
  Json row = {{"event", event_}, {"epoch", line.at("epoch")}, {"step", line.at("step")}};
  double sum = 0;
  auto const tasks = met(event_);
  for (auto const* task : tasks) {
    auto const risk = 1 - line.at("values").at(task->name).get<double>();
    row["target"][task->name] = risk;
    sum += risk;
  }
  row["target_risk"] = sum / static_cast<double>(tasks.size());
  double wrong = 0;
  for (auto const* task : tasks) {
    auto const own = source_->tasks().eq(task->id).nonzero().squeeze(1);
    if (own.size(0) == 0) continue;
    auto const risk = 1 - trainer_.test(source_->select(own), task->id).front();
    row["source"][task->name] = risk;
    wrong += risk * static_cast<double>(own.size(0));
  }
  row["source_risk"] = wrong / static_cast<double>(source_->size());
  row["bound"] = row["source_risk"].get<double>() + event.at("discrepancy").get<double>() / 2 +
                 event.at("joint_error").get<double>();
  // The last epoch and the event's end are one place, and its row is the epoch's.
  auto const& step = line.at("step");
  for (auto const& other : rows_)
    if (other.at("step") == step) row["epoch"] = other.at("epoch");
  std::erase_if(rows_.get_ref<Json::array_t&>(), [&](Json const& other) { return other.at("step") >= step; });
  rows_.push_back(std::move(row));
  write();
}

void RiskObserver::write() const { write_json(file_, {{"events", events_}, {"rows", rows_}}); }

}  // namespace mneme
