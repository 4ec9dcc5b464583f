#include "mneme/experiment/forget_audit.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>

#include "mneme/data/numbers.hpp"
#include "mneme/eval/membership.hpp"
#include "mneme/experiment/event_rows.hpp"
#include "mneme/experiment/loaded_arm.hpp"
#include "mneme/io/json_file.hpp"
#include "mneme/learners/needs_batch.hpp"
#include "mneme/train/evaluate.hpp"

namespace mneme {
namespace {

constexpr std::int64_t kSamples = 2000, kAnswers = 500;
constexpr std::int64_t kRelearnSteps = 100;
constexpr double kRelearnt = 0.9;

std::vector<AnswerFeatures> features_of(at::Tensor const& answers, Dataset const& data) {
  auto const p = answers.to(at::kDouble);
  auto const labels = data.labels().cpu();
  auto const log_p = p.clamp_min(1e-12).log();
  auto const loss = log_p.gather(1, labels.unsqueeze(1)).squeeze(1).neg();
  auto const confidence = p.amax(1), entropy = (p * log_p).sum(1).neg(), right = p.argmax(1).eq(labels);
  std::vector<AnswerFeatures> list(static_cast<std::size_t>(p.size(0)));
  for (std::size_t n = 0; n < list.size(); ++n) {
    auto const i = static_cast<std::int64_t>(n);
    list[n] = {loss[i].item<double>(), confidence[i].item<double>(), entropy[i].item<double>(), right[i].item<bool>()};
  }
  return list;
}

Json rounded(at::Tensor const& answers) {
  constexpr double kDigits = 1e5;
  auto const p = answers.narrow(0, 0, std::min(kAnswers, answers.size(0))).to(at::kDouble).contiguous();
  Json rows = Json::array();
  for (std::int64_t n = 0; n < p.size(0); ++n) {
    Json row = Json::array();
    for (std::int64_t c = 0; c < p.size(1); ++c) row.push_back(std::round(p[n][c].item<double>() * kDigits) / kDigits);
    rows.push_back(std::move(row));
  }
  return rows;
}

/// Without samples that have no label, of which nobody knows what would be right.
Dataset labelled(Dataset const& data) {
  auto const known = data.labels().ge(0);
  return known.all().item<bool>() ? data : data.select(known.nonzero().squeeze(1));
}

/// Of each kind (task and class) of `pool` as large a share as of `like`, from the front: as many samples as there are.
Dataset in_proportion(Dataset const& pool, Dataset const& like) {
  auto const kinds = [](Dataset const& data) {
    constexpr std::int64_t kClasses = 1 << 20;
    return data.tasks().add(1).mul(kClasses).add(data.labels()).cpu();
  };
  auto const [wanted, where, counts] = at::_unique2(kinds(like), /*sorted=*/true, false, /*return_counts=*/true);
  auto const own = kinds(pool);
  std::vector<at::Tensor> places;
  double share = std::numeric_limits<double>::infinity();  // of the samples that are wanted
  for (std::int64_t k = 0; k < wanted.size(0); ++k) {
    places.push_back(own.eq(wanted[k]).nonzero().squeeze(1));
    if (auto const there = static_cast<double>(places.back().size(0)); there > 0)
      share = std::min(share, there / counts[k].item<double>());
  }
  std::vector<at::Tensor> chosen;
  for (std::int64_t k = 0; k < wanted.size(0); ++k)
    if (auto const& place = places[static_cast<std::size_t>(k)]; place.size(0) > 0)
      chosen.push_back(place.narrow(
          0, 0, std::clamp<std::int64_t>(std::llround(share * counts[k].item<double>()), 1, place.size(0))));
  if (chosen.empty()) return {};
  return pool.select(std::get<0>(at::cat(chosen).sort()).to(pool.device()));
}

}  // namespace

struct ForgetAudit::Parts {
  ForgetData train;
  Dataset forget_test, retain_test;  // empty where there is none
};

ForgetAudit::ForgetAudit(RunFiles& files, Stream const& stream, Trainer& trainer, TrainOptions relearn,
                         std::uint64_t seed)
    : files_(files), stream_(stream), trainer_(trainer), train_(std::move(relearn)), streams_(seed) {
  train_.epochs = train_.steps = 1;
  train_.epochs_per_event.clear();
  train_.patience = 0;
  train_.at_boundary = "keep";
  train_.optimizer.schedule = "constant";  // each step is an event of its own, and would stay at a schedule's start
  train_.optimizer.warmup_steps = 0;
}

Dataset ForgetAudit::some(Dataset const& data, std::string const& name) const {
  if (data.size() <= kAnswers) return data;
  auto generator = streams_.fresh("audit/" + name);
  auto const order = draw_permutation(data.size(), generator, data.device());
  return data.select(order.narrow(0, 0, std::min(kSamples, data.size())));  // the first of them stand for all
}

namespace {

bool answers_with_classes(Learner const& learner) { return learner.metrics().front().name == "accuracy"; }

}  // namespace

ForgetAudit::Parts ForgetAudit::parts_of(std::size_t event) const {
  struct Learnt {
    Task const* task;
    std::vector<Request const*> since;  // earlier requests, which it was there for
  };
  std::vector<Learnt> learnt;
  for (std::size_t i = 0; i < event; ++i)
    if (auto const* task = std::get_if<Task>(&stream_.events[i])) {
      learnt.push_back({task, {}});
    } else {
      for (auto& one : learnt) one.since.push_back(&std::get<Request>(stream_.events[i]));
    }
  // Without boundaries the event is of all tasks, and has the last one's tests.
  if (!stream_.visibility.boundaries && learnt.size() == 1) {
    auto const since = learnt.front().since;
    learnt.clear();
    for (auto const* task : stream_.tested()) learnt.push_back({task, since});
  }
  auto const& request = std::get<Request>(stream_.events[event]);
  Parts parts{.train = SeenData::after(stream_, event).split(request), .forget_test = {}, .retain_test = {}};
  auto const asked = [](Request const& one, Task const& task) {  // bool [N] of its test samples
    bool const whole = std::find(one.tasks.begin(), one.tasks.end(), task.name) != one.tasks.end();
    auto mask = at::full_like(task.test.labels(), whole, at::kBool);
    for (auto const c : one.classes) mask.logical_or_(task.test.labels().eq(c));
    return mask;
  };
  std::vector<Dataset> forget, retain;
  for (auto const& [task, since] : learnt) {
    auto const mask = asked(request, *task);
    auto gone = at::zeros_like(mask);  // asked for before, and so not forgotten by this request
    for (auto const* earlier : since) gone.logical_or_(asked(*earlier, *task));
    auto const known = mask.logical_or(gone).logical_not();
    auto const all = task->test.with_tasks(at::full_like(task->test.labels(), task->id));
    auto const add = [&](std::vector<Dataset>& list, at::Tensor const& chosen) {
      if (chosen.any().item<bool>()) list.push_back(all.select(chosen.nonzero().squeeze(1)));
    };
    // Unseen samples of the same kind; of single samples further below.
    add(forget, request.samples.empty() ? mask.logical_and(gone.logical_not()) : known);
    add(retain, known);
  }
  parts.train.forget = labelled(parts.train.forget);
  if (!forget.empty() && parts.train.forget.size() > 0) {
    auto const unseen = concatenate("forget", forget);
    parts.forget_test =
        some(request.samples.empty() ? unseen : in_proportion(unseen, parts.train.forget), "forget-test");
  }
  if (!retain.empty()) parts.retain_test = some(concatenate("retain", retain), "retain-test");
  parts.train.forget = some(parts.train.forget, "forget");
  parts.train.retain = some(labelled(parts.train.retain), "retain");
  return parts;
}

at::Tensor ForgetAudit::answers(Learner& learner, Dataset const& data) const {
  at::NoGradGuard const no_grad;
  auto const on_device = data.to(learner.parameters().device());
  auto noise = streams_.fresh("audit/noise");
  at::Tensor all;  // [N, C], by the strategies that answer, as in a test
  auto const ask = [&](at::Tensor const& rows, std::optional<std::int64_t> task) {
    TestScope const around(trainer_.strategies(), {learner, task});
    Batch batch(on_device, rows, -1, {});
    trainer_.activate(batch);
    auto const output = predict(learner, trainer_.strategies(), batch, noise);
    auto const p = at::softmax(active_logits(batch, output.logits), 1).cpu();
    if (!all.defined()) all = at::zeros({data.size(), p.size(1)}, p.options());
    all.index_copy_(0, rows.cpu(), p);
  };
  auto const rows = at::arange(data.size(), on_device.labels().options());
  if (!stream_.visibility.task_at_test) {
    ask(rows, std::nullopt);
    return all;
  }
  for (auto const task : numbers_of(std::get<0>(at::_unique(on_device.tasks()))))
    ask(on_device.tasks().eq(task).nonzero().squeeze(1), task);
  return all;
}

Json ForgetAudit::relearn_steps(Learner& learner, Dataset const& forget) const {
  if (learner.head() == Head::kGrowing || stream_.visibility.task_at_test) return nullptr;  // it would know the class
  if (forget.size() < least_batch(learner)) return nullptr;
  {  // a copy of the net alone does not answer as a strategy's means do
    auto const one = forget.select(at::zeros({1}, forget.labels().options())).to(learner.parameters().device());
    auto noise = streams_.fresh("audit/noise");
    TestScope const around(trainer_.strategies(), {learner, std::nullopt});
    Batch batch(one.slice(0, 1), one.labels(), -1, {});
    trainer_.activate(batch);
    if (strategies_answer(learner, trainer_.strategies(), batch, noise)) return nullptr;
  }
  auto const copy = learner.snapshot();
  Trainer trainer(*copy, {}, train_, {}, streams_.seed());
  Task const task{.name = "relearn", .id = 0, .train = forget, .test = forget, .classes = {}};
  for (std::int64_t step = 0; step <= kRelearnSteps; ++step) {
    if (trainer.test(forget, std::nullopt).front() >= kRelearnt) return step;
    trainer.learn(task);
  }
  return kRelearnSteps + 1;
}

Json ForgetAudit::logged(std::int64_t event) const {
  files_.metrics.flush();
  std::ifstream log(files_.folder / "metrics.jsonl");
  Json begin, end, before;
  for (std::string text; std::getline(log, text);) {
    auto line = Json::parse(text);
    if (line.at("event") != event) continue;
    if (line.at("kind") == "event" && line.at("phase") == "begin") begin = line.at("time");
    if (line.at("kind") == "forgotten") end = line.at("time");
    if (line.at("kind") == "asked") before = line.at("accuracy");
  }
  bool const both = !begin.is_null() && !end.is_null();
  return {{"forget_seconds", both ? Json(end.get<double>() - begin.get<double>()) : Json()}, {"before", before}};
}

/// What is known of the parts.
struct ForgetAudit::Look {
  std::vector<AnswerFeatures> forget, retain, forget_test, retain_test;
  [[nodiscard]] Json accuracy() const {
    auto const of = [](std::vector<AnswerFeatures> const& list) {
      return list.empty() ? Json() : Json(accuracy_of(list));
    };
    return {{"forget_accuracy", of(forget)},
            {"retain_accuracy", of(retain)},
            {"forget_test_accuracy", of(forget_test)},
            {"test_accuracy", of(retain_test)}};
  }
};

ForgetAudit::Look ForgetAudit::look_at(Parts const& parts, Learner& learner) const {
  auto const look = [&](Dataset const& data) {
    return data.size() == 0 ? std::vector<AnswerFeatures>() : features_of(answers(learner, data), data);
  };
  return {look(parts.train.forget), look(parts.train.retain), look(parts.forget_test), look(parts.retain_test)};
}

void ForgetAudit::look_before(std::int64_t event, Learner& learner) {
  auto const place = static_cast<std::size_t>(event);
  if (place >= stream_.events.size() || is_learn(stream_.events[place])) return;
  if (!answers_with_classes(learner)) return;
  auto const parts = parts_of(place);
  if (parts.train.forget.size() == 0) return;
  trainer_.log().write({{"kind", "asked"},
                        {"event", event},
                        {"task", event_name(stream_.events[place])},
                        {"accuracy", look_at(parts, learner).accuracy()}});
}

void ForgetAudit::evaluated(EvaluationMatrix const& matrix, Learner& learner) {
  auto const& row = matrix.rows.back();
  if (row.kind == "forget") audit(row, learner);
  if (row.kind != "initial") look_before(row.event + 1, learner);
}

void ForgetAudit::audit(EvaluationRow const& row, Learner& learner) {
  if (!answers_with_classes(learner)) return;
  auto const parts = parts_of(static_cast<std::size_t>(row.event));
  if (parts.train.forget.size() == 0) return;
  auto const look = look_at(parts, learner);
  MembershipAttacker const attacker(look.retain, look.retain_test);
  Json entry = {{"event", row.event},
                {"request", row.task},
                {"membership",
                 {{"loss", loss_attack(look.forget, look.forget_test)},
                  {"attacker", attacker.attack(look.forget, look.forget_test)}}},
                {"relearn_steps", relearn_steps(learner, parts.train.forget)}};
  entry.update(look.accuracy());
  entry.update(logged(row.event));
  entry["answers"] = {
      {"forget", rounded(answers(learner, parts.train.forget))},
      {"test", parts.retain_test.size() == 0 ? Json::array() : rounded(answers(learner, parts.retain_test))}};
  auto const file = files_.folder / "forget.json";
  Json kept = std::filesystem::exists(file) ? read_audit(file) : Json::array();
  keep_before(kept, row.event);
  kept.push_back(std::move(entry));
  write_json(file, kept);
}

Json read_audit(std::filesystem::path const& file) {
  auto entries = read_json(file);
  bool sound = entries.is_array();
  for (std::size_t i = 0; sound && i < entries.size(); ++i)
    sound = entries[i].is_object() && entries[i].value("event", Json()).is_number_integer() &&
            entries[i].value("answers", Json()).is_object();
  if (!sound) throw DataError(file.string() + ": damaged: it is no list of audits, each with event and answers");
  return entries;
}

Json answer_distance(Json const& a, Json const& b) {
  if (a.empty() || a.size() != b.size() || a[0].size() != b[0].size()) return nullptr;
  double sum = 0;
  for (std::size_t n = 0; n < a.size(); ++n)
    for (std::size_t c = 0; c < a[n].size(); ++c) sum += std::abs(a[n][c].get<double>() - b[n][c].get<double>()) / 2;
  return sum / static_cast<double>(a.size());
}

void compare_with_retrained(Json& arms, std::filesystem::path const& run) {
  auto const audit = [&](Json const& arm) {
    return read_audit(seed_folder(run, arm.at("arm"), arm.at("seed")) / "forget.json");
  };
  auto const entry_of = [](Json const& list, Json const& like) {
    for (auto const& entry : list)
      if (entry.at("event") == like.at("event") && entry.value("request", Json()) == like.value("request", Json()))
        return entry;
    return Json();
  };
  auto const retrains = [](Json const& strategy) {
    auto const members = as_list(strategy);
    return std::any_of(members.begin(), members.end(), [](Json const& one) { return one.at("kind") == "retrain"; });
  };
  for (auto const& reference : arms) {
    if (!reference.contains("unlearning") || !retrains(reference.at("strategy_options"))) continue;
    auto const retrained = audit(reference);
    for (auto& arm : arms) {
      if (!arm.contains("unlearning") || arm.at("seed") != reference.at("seed")) continue;
      auto const own = audit(arm);
      for (auto& entry : arm["unlearning"]) {
        auto const mine = entry_of(own, entry), theirs = entry_of(retrained, entry);
        if (theirs.is_null() || mine.value("inherited", false) || theirs.value("inherited", false)) continue;
        for (auto const* part : {"forget", "test"})
          entry["distance_to_retrained"][part] = answer_distance(mine["answers"][part], theirs["answers"][part]);
        if (mine["forget_seconds"].is_number() && theirs["forget_seconds"].is_number())
          entry["time_to_retraining"] = mine["forget_seconds"].get<double>() / theirs["forget_seconds"].get<double>();
      }
    }
  }
}

}  // namespace mneme
