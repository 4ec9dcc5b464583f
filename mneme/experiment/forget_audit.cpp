#include "mneme/experiment/forget_audit.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "mneme/eval/membership.hpp"
#include "mneme/experiment/event_rows.hpp"
#include "mneme/io/json_file.hpp"

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

ForgetAudit::Parts ForgetAudit::parts_of(std::size_t event) const {
  struct Learnt {
    Task const* task;
    std::vector<Request const*> since;  // earlier requests, which it was there for
  };
  SeenData seen;
  std::vector<Learnt> learnt;
  for (std::size_t i = 0; i < event; ++i)
    if (auto const* task = std::get_if<Task>(&stream_.events[i])) {
      seen.learn(*task);
      learnt.push_back({task, {}});
    } else {
      auto const& earlier = std::get<Request>(stream_.events[i]);
      seen.forget(earlier);
      for (auto& one : learnt) one.since.push_back(&earlier);
    }
  auto const& request = std::get<Request>(stream_.events[event]);
  Parts parts{.train = seen.split(request), .forget_test = {}, .retain_test = {}};
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
    // Unseen samples of the same kind.
    add(forget, request.samples.empty() ? mask.logical_and(gone.logical_not()) : known);
    add(retain, known);
  }
  if (!forget.empty()) parts.forget_test = some(concatenate("forget", forget), "forget-test");
  if (!retain.empty()) parts.retain_test = some(concatenate("retain", retain), "retain-test");
  parts.train.forget = some(parts.train.forget, "forget");
  parts.train.retain = some(parts.train.retain, "retain");
  return parts;
}

at::Tensor ForgetAudit::answers(Learner& learner, Dataset const& data) const {
  at::NoGradGuard const no_grad;
  auto const on_device = data.to(learner.parameters().device());
  Batch batch(on_device, at::arange(data.size(), on_device.labels().options()), -1, {});
  trainer_.activate(batch);
  auto const gates = trainer_.strategies().gates(batch, false);
  auto noise = streams_.fresh("audit/noise");
  auto const output = learner.forward(batch, {.training = false, .gates = &gates}, noise);
  return at::softmax(active_logits(batch, output.logits), 1).cpu();
}

Json ForgetAudit::relearn_steps(Learner& learner, Dataset const& forget) const {
  if (learner.head() == Head::kGrowing || stream_.visibility.task_at_test) return nullptr;  // it would know the class
  auto const copy = learner.snapshot();
  Trainer trainer(*copy, {}, train_, {}, streams_.seed());
  Task const task{.name = "relearn", .id = 0, .train = forget, .test = forget, .classes = {}};
  for (std::int64_t step = 0; step <= kRelearnSteps; ++step) {
    if (trainer.test(forget, std::nullopt).front() >= kRelearnt) return step;
    trainer.learn(task);
  }
  return kRelearnSteps + 1;
}

Json ForgetAudit::seconds_of(std::int64_t event) const {
  files_.metrics.flush();
  std::ifstream log(files_.folder / "metrics.jsonl");
  Json begin, end;
  for (std::string text; std::getline(log, text);) {
    auto const line = Json::parse(text);
    if (line.at("event") != event) continue;
    if (line.at("kind") == "event" && line.at("phase") == "begin") begin = line.at("time");
    if (line.at("kind") == "forgotten") end = line.at("time");
  }
  return begin.is_null() || end.is_null() ? Json() : Json(end.get<double>() - begin.get<double>());
}

void ForgetAudit::evaluated(EvaluationMatrix const& matrix, Learner& learner) {
  auto const& row = matrix.rows.back();
  if (row.kind != "forget" || dynamic_cast<Predicts*>(&learner) == nullptr) return;
  auto const parts = parts_of(static_cast<std::size_t>(row.event));
  auto const look = [&](Dataset const& data) {
    return data.size() == 0 ? std::vector<AnswerFeatures>() : features_of(answers(learner, data), data);
  };
  auto const forget = look(parts.train.forget), retain = look(parts.train.retain);
  auto const forget_test = look(parts.forget_test), retain_test = look(parts.retain_test);
  MembershipAttacker const attacker(retain, retain_test);
  Json entry = {
      {"event", row.event},
      {"request", row.task},
      {"forget_accuracy", accuracy_of(forget)},
      {"retain_accuracy", accuracy_of(retain)},
      {"forget_test_accuracy", forget_test.empty() ? Json() : Json(accuracy_of(forget_test))},
      {"test_accuracy", retain_test.empty() ? Json() : Json(accuracy_of(retain_test))},
      {"membership", {{"loss", loss_attack(forget, forget_test)}, {"attacker", attacker.attack(forget, forget_test)}}},
      {"relearn_steps", relearn_steps(learner, parts.train.forget)},
      {"forget_seconds", seconds_of(row.event)}};
  entry["answers"] = {
      {"forget", rounded(answers(learner, parts.train.forget))},
      {"test", parts.retain_test.size() == 0 ? Json::array() : rounded(answers(learner, parts.retain_test))}};
  auto const file = files_.folder / "forget.json";
  Json kept = std::filesystem::exists(file) ? read_json(file) : Json::array();
  keep_before(kept, row.event);
  kept.push_back(std::move(entry));
  write_json(file, kept);
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
    return read_json(run / "arms" / arm.at("arm").get<std::string>() / ("seed-" + arm.at("seed").dump()) /
                     "forget.json");
  };
  auto const entry_of = [](Json const& list, Json const& like) {
    for (auto const& entry : list)
      if (entry.at("event") == like.at("event") && entry.value("request", Json()) == like.value("request", Json()))
        return entry;
    return Json();
  };
  auto const retrains = [](Json const& strategy) {
    auto const members = strategy.is_array() ? strategy : Json::array({strategy});
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
        if (theirs.is_null()) continue;
        for (auto const* part : {"forget", "test"})
          entry["distance_to_retrained"][part] = answer_distance(mine["answers"][part], theirs["answers"][part]);
        if (mine["forget_seconds"].is_number() && theirs["forget_seconds"].is_number())
          entry["time_to_retraining"] = mine["forget_seconds"].get<double>() / theirs["forget_seconds"].get<double>();
      }
    }
  }
}

}  // namespace mneme
