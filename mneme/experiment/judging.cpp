#include "mneme/experiment/judging.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "mneme/core/errors.hpp"
#include "mneme/eval/generative.hpp"
#include "mneme/experiment/event_rows.hpp"
#include "mneme/experiment/recovery.hpp"
#include "mneme/io/json_file.hpp"
#include "mneme/learners/conditional.hpp"
#include "mneme/learners/recalls.hpp"
#include "mneme/strategies/self_replay.hpp"

namespace mneme {
namespace fs = std::filesystem;
namespace {

constexpr std::int64_t kBatch = 500;
constexpr std::int64_t kMost = 2000;  // images of each set, for distances between all pairs
constexpr std::int64_t kNeighbours = 5;

/// At most so many rows, evenly spread.
at::Tensor thinned(at::Tensor const& rows, std::int64_t most) {
  if (rows.size(0) <= most) return rows;
  auto const last = static_cast<double>(rows.size(0) - 1);
  return rows.index_select(0, at::linspace(0, last, most, at::kDouble).round().to(at::kLong).to(rows.device()));
}

/// Of features of real images and of others: equally many of both, since either distance depends on the numbers.
std::pair<at::Tensor, at::Tensor> as_many(JudgedPart const& part, at::Tensor const& features) {
  auto const n = std::min(part.features.size(0), features.size(0));
  return {thinned(part.features, n), thinned(features, n)};
}

double distance(JudgedPart const& part, at::Tensor const& features) {
  auto const [real, others] = as_many(part, features);
  return frechet_distance(real, others);
}

/// As they would be in a PNG file.
at::Tensor rounded(at::Tensor const& x) { return x.mul(255).round().div(255); }

}  // namespace

ClassVerdict verdict_of(at::Tensor const& x, at::Tensor const& p, std::int64_t label) {
  auto const mean = [](at::Tensor const& t) { return t.mean(at::kDouble).item<double>(); };
  return {.probability = mean(p.select(1, label)),
          .accuracy = mean(p.argmax(1).eq(label)),
          .entropy = mean(-at::xlogy(p, p).sum(1)),
          .gray = mean((x - 0.5).abs())};
}

JudgeObserver::JudgeObserver(fs::path file, std::vector<JudgedPart> parts, StrategyList& strategies,
                             Stream const& stream, std::uint64_t seed)
    : file_(std::move(file)),
      parts_(std::move(parts)),
      strategies_(strategies),
      asked_(forgotten_classes(stream)),
      streams_(seed) {
  if (!fs::exists(file_)) return;
  auto const kept = read_json(file_);
  if (kept.at("judge") != judges()) return;
  rows_ = kept.at("rows");
  epochs_ = kept.value("epochs", Json::array());
  blank_ = kept.value("blank", Json());
}

void JudgeObserver::write() const {
  Json all = {{"judge", judges()}, {"rows", rows_}};
  if (!blank_.empty()) all["blank"] = blank_;
  if (!epochs_.empty()) all["epochs"] = epochs_;
  write_json(file_, all);
}

namespace {

/// What the judge takes for the class that was asked for: the mean over the classes.
template <class Drawn>
double accuracy_of(std::vector<Drawn> const& drawn) {
  double sum = 0;
  for (auto const& one : drawn)
    sum += one.answer.probabilities.argmax(1).eq(one.label).mean(at::kDouble).template item<double>();
  return sum / static_cast<double>(drawn.size());
}

/// The same; null of a model whose classes are not the judge's.
template <class Drawn>
Json right(Recalls const& model, std::vector<Drawn> const& drawn) {
  return model.knows_labels() ? Json(accuracy_of(drawn)) : Json();
}

/// Images of each class in a comparison.
template <class Drawn>
std::int64_t share_of(std::vector<Drawn> const& drawn) {
  return kMost / static_cast<std::int64_t>(drawn.size());
}

/// Of equally many images of each class that no request names; undefined where there is none.
template <class Drawn>
at::Tensor features_of(std::vector<Drawn> const& drawn, std::vector<std::int64_t> const& asked) {
  std::vector<at::Tensor> made;
  for (auto const& one : drawn)
    if (!std::ranges::binary_search(asked, one.label))
      made.push_back(one.answer.features.narrow(0, 0, std::min(share_of(drawn), one.answer.features.size(0))));
  return made.empty() ? at::Tensor() : at::cat(made);
}

}  // namespace

void JudgeObserver::evaluated(EvaluationMatrix const& matrix, Learner& learner) {
  auto const* by_domain = dynamic_cast<Recalls const*>(&learner);
  if (by_domain == nullptr && dynamic_cast<Conditional const*>(&learner) == nullptr) return;
  auto const& row = matrix.rows.back();
  keep_before(rows_, row.event);
  Json line = {{"event", row.event}, {"kind", row.kind}, {"task", row.task}};
  if (by_domain) line["domains"] = Json::array();
  for (auto& part : parts_) {
    auto const drawn = draw(learner, part);
    if (drawn.empty()) continue;  // not met yet
    Json figures = {{"classes", classes_of(learner, part, drawn)}};
    if (auto quality = quality_of(learner, part, drawn); !quality.is_null()) figures["quality"] = std::move(quality);
    if (!by_domain) {
      if (blank_.empty()) blank_ = answer_to_blank(part, drawn.front().images);
      line.update(figures);
      continue;
    }
    figures.update({{"domain", part.name}, {"accuracy", right(*by_domain, drawn)}});
    line["domains"].push_back(std::move(figures));
  }
  auto const learnt = std::ranges::count(matrix.rows, "learn", &EvaluationRow::kind);
  if (auto const* replay = self_replay_of(strategies_); by_domain && replay && replay->tasks() == learnt && learnt > 0)
    line["replayed"] = replayed(learner);
  auto const& judge = *parts_.front().judge;
  if (!by_domain && judge.options().attacks && row.event >= 0) line["attacks"] = attacks_on(learner, parts_.front());
  rows_.push_back(std::move(line));
  write();
}

void JudgeObserver::epoch_measured(EpochEnd const& end, Learner& learner) {
  auto const* by_domain = dynamic_cast<Recalls const*>(&learner);
  if (by_domain == nullptr && dynamic_cast<Conditional const*>(&learner) == nullptr) return;
  Json row = {{"event", end.event}, {"epoch", end.epoch}, {"step", end.step}};
  if (by_domain) row["domains"] = Json::object();
  for (auto& part : parts_) {
    auto const drawn = draw(learner, part);
    if (drawn.empty()) continue;
    auto const features = features_of(drawn, asked_);
    Json const distances =
        has_real(part, drawn) && features.defined() ? distances_of(learner, part, features) : Json::object();
    if (!by_domain) {
      row.update({{"classes", classes_of(learner, part, drawn)}, {"quality", distances}});
      continue;
    }
    auto& figures = row["domains"][part.name] = {{"accuracy", right(*by_domain, drawn)}};
    figures.update(distances);
  }
  std::erase_if(epochs_.get_ref<Json::array_t&>(), [&](Json const& other) { return other.at("step") >= end.step; });
  epochs_.push_back(std::move(row));
  write();
}

Json JudgeObserver::answer_to_blank(JudgedPart const& part, at::Tensor const& like) {
  auto noise = streams_.fresh("judge/blank");
  auto const images = like.cpu();
  auto const gray = part.judge->answer(rounded(at::full_like(images.narrow(0, 0, 1), 0.5)));
  auto const grain = part.judge->answer(rounded(at::empty_like(images).uniform_(0, 1, noise)));
  Json blank;
  for (auto const& [name, answer] : {std::pair("gray", &gray), std::pair("noise", &grain)}) {
    auto const p = answer->probabilities.mean(0, false, at::kDouble).cpu().contiguous();
    blank[name] = std::vector(p.const_data_ptr<double>(), p.const_data_ptr<double>() + p.numel());
  }
  return blank;
}

Json JudgeObserver::replayed(Learner const& learner) {
  at::NoGradGuard const no_grad;
  auto& replay = *self_replay_of(strategies_);
  auto noise = streams_.fresh("judge/replayed");
  std::map<JudgedPart const*, std::vector<at::Tensor>> right, features;
  for (auto left = replay.tasks(); left > 0; --left) {
    auto const recalled = replay.drawn(learner, kMost, noise);
    for (auto const& part : parts_) {
      auto const own = recalled.domains.eq(part.id).nonzero().squeeze(1);
      if (own.size(0) == 0) continue;
      auto const answer = part.judge->answer(rounded(recalled.x.index_select(0, own)));
      right[&part].push_back(answer.probabilities.argmax(1).eq(recalled.labels.index_select(0, own)));
      features[&part].push_back(answer.features);
    }
  }
  Json figures = Json::object();
  for (auto const& [part, answers] : right) {
    bool const known = dynamic_cast<Recalls const&>(learner).knows_labels();
    figures[part->name]["accuracy"] = known ? Json(at::cat(answers).mean(at::kDouble).item<double>()) : Json();
    if (part->features.defined()) figures[part->name]["frechet_distance"] = distance(*part, at::cat(features[part]));
  }
  return figures;
}

/// What there is to say of the judge, or of each domain's.
Json JudgeObserver::judges() const {
  if (parts_.front().name.empty()) return parts_.front().judge->about();
  Json about = Json::object();
  for (auto const& part : parts_) about[part.name] = part.judge->about();
  return about;
}

TestScope JudgeObserver::as_for(Learner& learner, JudgedPart const& part, std::int64_t label) {
  auto const task = part.tasks.find(label);
  return {strategies_, {learner, task == part.tasks.end() ? std::nullopt : std::optional(task->second)}};
}

std::vector<JudgeObserver::Drawn> JudgeObserver::draw(Learner& learner, JudgedPart const& part) {
  auto const* by_class = dynamic_cast<Conditional const*>(&learner);
  auto const* by_domain = dynamic_cast<Recalls const*>(&learner);
  auto const options = at::TensorOptions(at::kLong).device(learner.parameters().device());
  auto const met = by_domain ? by_domain->met() : at::ones({1, by_class->classes()}, at::kBool);
  std::vector<Drawn> list;
  if (part.id >= met.size(0)) return list;
  at::NoGradGuard const no_grad;
  for (std::int64_t c = 0; c < met.size(1); ++c) {
    if (!met[part.id][c].item<bool>()) continue;
    auto const of = part.name.empty() ? "" : part.name + "/";
    auto noise = streams_.fresh("judge/" + of + std::to_string(c));
    auto const labels = at::full({part.judge->options().samples}, c, options);
    auto const scope = as_for(learner, part, c);
    auto const drawn =
        by_class ? by_class->sample_of(labels, noise) : by_domain->draw(labels, at::full_like(labels, part.id), noise);
    auto const images = rounded(drawn);
    list.push_back({c, images, part.judge->answer(images)});
    if (auto const known = list.back().answer.probabilities.size(1);
        c >= known && (by_class || by_domain->knows_labels()))
      throw ConfigError("judge.experiment: '" + part.judge->options().experiment + "' tells " + std::to_string(known) +
                        " classes apart, but the model draws class " + std::to_string(c) +
                        "; name an experiment that is trained on these classes");
  }
  return list;
}

Json JudgeObserver::classes_of(Learner& learner, JudgedPart const& part, std::vector<Drawn> const& drawn) {
  at::NoGradGuard const no_grad;
  auto const* by_domain = dynamic_cast<Recalls const*>(&learner);
  bool const labelled = by_domain == nullptr || by_domain->knows_labels();  // else the judge has no such class
  auto const names = part.class_names();
  Json classes = Json::array();
  for (auto const& [label, images, answer] : drawn) {
    auto const c = static_cast<std::size_t>(label);
    auto const v = verdict_of(images, answer.probabilities, labelled ? label : 0);
    classes.push_back({{"class", label}, {"name", labelled && c < names.size() ? names[c] : std::to_string(c)}});
    if (labelled) classes.back().update({{"probability", v.probability}, {"accuracy", v.accuracy}});
    classes.back().update({{"entropy", v.entropy}, {"gray", v.gray}});
    if (part.name.empty()) classes.back()["negative_elbo"] = negative_elbo(learner, part, label);
  }
  return classes;
}

bool JudgeObserver::has_real(JudgedPart& part, std::vector<Drawn> const& drawn) {
  if (!part.images.defined()) {
    std::vector<at::Tensor> real;
    for (auto const& one : drawn)
      if (!std::ranges::binary_search(asked_, one.label))
        if (auto const tests = part.test_images(one.label, share_of(drawn)); tests.defined()) real.push_back(tests);
    if (real.empty()) return false;
    part.images = at::cat(real);
    part.features = part.judge->answer(part.images).features;
  }
  return part.images.size(0) > kNeighbours;
}

Json JudgeObserver::distances_of(Learner& learner, JudgedPart& part, at::Tensor const& features) {
  at::NoGradGuard const no_grad;
  Json distances = {{"frechet_distance", distance(part, features)}};
  if (auto const* model = dynamic_cast<Recalls const*>(&learner); model != nullptr && model->encodes()) {
    auto const again = model->decode(model->infer(part.images.to(features.device())));
    distances["frechet_reconstructed"] = distance(part, part.judge->answer(again).features);
  }
  return distances;
}

Json JudgeObserver::quality_of(Learner& learner, JudgedPart& part, std::vector<Drawn> const& drawn) {
  constexpr std::int64_t kCompared = 500;  // with all training images
  if (!has_real(part, drawn)) return nullptr;
  auto const features = features_of(drawn, asked_);
  if (!features.defined()) return nullptr;
  std::vector<at::Tensor> images, answers;
  for (auto const& [label, samples, answer] : drawn) {
    if (std::ranges::binary_search(asked_, label)) continue;
    images.push_back(samples.narrow(0, 0, std::min(share_of(drawn), samples.size(0))));
    answers.push_back(answer.probabilities);
  }
  auto const [real, others] = as_many(part, features);
  auto quality = distances_of(learner, part, features);
  quality.update(
      {{"class_score", class_score(at::cat(answers))}, {"real", real.size(0)}, {"generated", others.size(0)}});
  if (real.size(0) > kNeighbours) {
    auto const manifold = density_coverage(real, others, kNeighbours);
    quality.update({{"density", manifold.density}, {"coverage", manifold.coverage}});
  }
  if (part.train.size() == 0) return quality;
  auto const training = Dataset::to_input(part.train.data()).to(features.device());
  auto const nearest = [&](at::Tensor const& x) {
    return nearest_distance(thinned(x, kCompared).to(features.device()), training).mean(at::kDouble).item<double>();
  };
  if (part.nearest_real == 0) part.nearest_real = nearest(part.images);
  quality["nearest_training"] = nearest(at::cat(images));
  quality["nearest_training_real"] = part.nearest_real;
  return quality;
}

Json JudgeObserver::attacks_on(Learner& learner, JudgedPart const& part) {
  constexpr std::int64_t kCandidates = 512, kPrototypes = 15;
  auto const device = learner.parameters().device();
  Json list = Json::array();
  auto const add = [&](std::string const& name, std::int64_t label, at::Tensor const& images) {
    auto const v = verdict_of(images, part.judge->answer(images).probabilities, label);
    list.push_back({{"attack", name},
                    {"class", label},
                    {"probability", v.probability},
                    {"accuracy", v.accuracy},
                    {"images", images.size(0)}});
  };
  for (auto const label : asked_) {
    auto noise = streams_.fresh("attack/" + std::to_string(label));
    auto const scope = as_for(learner, part, label);
    auto const copy = learner.snapshot();  // whose gradients are nobody's
    auto const& model = dynamic_cast<Conditional const&>(*copy);
    if (auto const images = part.test_images(label, kCandidates); images.defined()) {
      auto const sharpness = (images - 0.5).abs().flatten(1).mean(1);
      auto const best = std::get<1>(sharpness.topk(std::min(kPrototypes, images.size(0))));
      add("prototype", label, match_prototypes(model, images.index_select(0, best).to(device), noise));
    }
    auto const liked = [&](at::Tensor const& x) { return part.judge->log_probability(x, label); };
    add("classifier", label, follow_classifier(model, liked, device, noise));
  }
  return list;
}

double JudgeObserver::negative_elbo(Learner& learner, JudgedPart const& part, std::int64_t label) {
  auto noise = streams_.fresh("judge-elbo/" + std::to_string(label));
  auto const scope = as_for(learner, part, label);
  double sum = 0;
  std::int64_t count = 0;
  for (auto const& test : part.tests) {
    auto const index = test.labels().eq(label).nonzero().squeeze(1);
    for (auto const& rows : index.split(kBatch)) {
      if (rows.size(0) == 0) continue;
      Batch const batch(test, rows, 0, {});
      sum += learner.measure(batch, learner.forward(batch, {}, noise))[0].item<double>();
      count += rows.size(0);
    }
  }
  return count > 0 ? sum / static_cast<double>(count) : std::nan("");
}

}  // namespace mneme
