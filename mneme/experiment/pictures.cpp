#include "mneme/experiment/pictures.hpp"

#include <torch/types.h>

#include <algorithm>

#include "mneme/experiment/class_sheets.hpp"
#include "mneme/experiment/domain_sheets.hpp"
#include "mneme/experiment/judging.hpp"
#include "mneme/train/evaluate.hpp"

namespace mneme {
namespace {

constexpr std::int64_t kShown = 8;  // images in a row
constexpr std::int64_t kShownOfADomain = 32;
constexpr std::int64_t kPriorRows = 4;
constexpr std::int64_t kOfAClass = 10;

/// Some samples [n], at most `most`. Which of two comes first depends on the two alone, so that a set without some of
/// its samples shows the others as the whole one does.
at::Tensor shown_of(at::Tensor const& x, std::int64_t most, at::Generator& choice) {
  constexpr std::int64_t kWeights = 1 << 20, kPart = 1000;  // sums are exact in double
  constexpr double kPlaces = 1000003;
  auto const pixels = x[0].numel();
  auto const weights = draw_indices(kWeights, pixels, choice, at::kCPU).to(x.device(), at::kDouble);
  std::vector<at::Tensor> keys;
  for (auto const& part : x.split(kPart))
    keys.push_back(Dataset::to_input(part).flatten(1).to(at::kDouble).mul_(255).round_().mv(weights).fmod_(kPlaces));
  return std::get<1>(at::cat(keys).sort(true, 0, false)).narrow(0, 0, std::min(most, x.size(0)));
}

}  // namespace

PictureObserver::PictureObserver(RunFiles& files, StrategyList& strategies, Stream const& stream, std::uint64_t seed)
    : files_(files), strategies_(strategies), task_known_(stream.visibility.task_at_test), streams_(seed) {
  for (auto const* task : stream.tested()) tested_.push_back(*task);
  shown_ = forgotten_classes(stream);
  for (std::int64_t c = 0; c < stream.classes; ++c)  // and one that stays
    if (std::find(shown_.begin(), shown_.end(), c) == shown_.end()) {
      shown_.push_back(c);
      break;
    }
}

void PictureObserver::evaluated(EvaluationMatrix const& matrix, Learner& learner) {
  auto const& row = matrix.rows.back();
  Moment const moment{.when = When::kEvent, .event = row.event, .epoch = -1, .step = row.step, .name = row.task};
  bool const by_task = task_known_ && dynamic_cast<Recalls const*>(&learner) == nullptr;
  for (auto const& task : tested_) {
    if (task.test.data().dim() != 4) continue;
    TestScope const scope(strategies_, {learner, task_known_ ? std::optional(task.id) : std::nullopt});
    reconstruct(learner, task, moment);
    if (by_task) generate(learner, task.name, moment);
  }
  if (!by_task) generate(learner, "", moment);
}

void PictureObserver::epoch_measured(EpochEnd const& end, Learner& learner) {
  auto const* by_domain = dynamic_cast<Recalls const*>(&learner);
  if (by_domain == nullptr || tested_.empty() || tested_.front().test.data().dim() != 4) return;
  auto noise = streams_.fresh("pictures-epoch");
  for (auto const& sheet : epoch_sheets(*by_domain, tested_, noise, learner.parameters().device()))
    save(sheet, {When::kEpoch, end.event, end.epoch, end.step, end.name});
}

void PictureObserver::step_measured(EpochEnd const& at, Learner& learner) {
  auto const* by_class = dynamic_cast<Conditional const*>(&learner);
  if (by_class == nullptr || task_known_) return;
  auto sheet = classes(*by_class, learner.parameters().device(), "");
  sheet.kind = "steps";
  save(sheet, {When::kStep, at.event, at.epoch, at.step, at.name});
}

Sheet PictureObserver::classes(Conditional const& model, at::Device device, std::string const& as_for) const {
  at::NoGradGuard const no_grad;
  auto noise = streams_.fresh("pictures-prior");
  auto const z = draw_normal({kOfAClass, model.latent()}, noise, device).repeat({model.classes(), 1});
  auto const labels = at::arange(model.classes(), at::TensorOptions(at::kLong).device(device));
  auto const images = model.decode(z, model.condition(labels.repeat_interleave(kOfAClass)));
  return {.kind = "classes",
          .what = "a row for each class, a column for each code drawn from the prior" + as_for,
          .columns = kOfAClass,
          .images = images};
}

void PictureObserver::reconstruct(Learner& learner, Task const& task, Moment const& moment) {
  auto* model = dynamic_cast<Reconstructs*>(&learner);
  auto const* by_class = dynamic_cast<Conditional const*>(&learner);
  auto const* by_domain = dynamic_cast<Recalls const*>(&learner);
  if (task.test.size() == 0) return;
  if ((model == nullptr && by_class == nullptr) || (by_domain != nullptr && !by_domain->encodes())) return;
  auto choice = streams_.fresh("pictures/" + task.name);
  auto noise = streams_.fresh("pictures-noise/" + task.name);
  auto const most = by_domain ? kShownOfADomain : kShown;
  auto const index = shown_of(task.test.data(), most, choice);
  auto const device = learner.parameters().device();
  auto const originals = task.test.gather(index).to(device);
  auto const made = by_class
                        ? by_class->reconstruct(originals, task.test.labels().index_select(0, index).to(device), noise)
                        : model->reconstruct(originals, noise);
  save({.kind = "reconstruction",
        .what = "originals and reconstructions of " + task.name,
        .of = task.name,
        .columns = std::min(kShown, index.size(0)),
        .images = in_pairs(originals, made, kShown)},
       moment);
}

void PictureObserver::generate(Learner& learner, std::string const& task, Moment const& moment) {
  auto noise = streams_.fresh("pictures-prior");
  auto const as_for = task.empty() ? "" : " as for " + task;
  if (auto const* by_class = dynamic_cast<Conditional const*>(&learner)) {
    auto const device = learner.parameters().device();
    auto sheet = classes(*by_class, device, as_for);
    if (!is_picture(sheet.images)) return;
    sheet.of = task;
    save(sheet, moment);
    if (moment.event < 0 || !task.empty()) return;  // of noise there is nothing more to see
    for (auto const& sheet : class_sheets(*by_class, tested_, shown_, device)) save(sheet, moment);
    return;
  }
  if (auto const* by_domain = dynamic_cast<Recalls const*>(&learner); by_domain != nullptr && moment.event >= 0) {
    for (auto const& sheet : domain_sheets(*by_domain, tested_, noise, learner.parameters().device()))
      save(sheet, moment);
    return;
  }
  auto* model = dynamic_cast<Generates*>(&learner);
  if (model == nullptr) return;
  auto const images = model->sample(kShown * kPriorRows, noise);
  save({.kind = "prior", .what = "samples of the prior" + as_for, .of = task, .columns = kShown, .images = images},
       moment);
}

void PictureObserver::save(Sheet const& sheet, Moment const& moment) {
  if (!is_picture(sheet.images)) return;
  auto const epoch = std::to_string(moment.epoch + 1), step = std::to_string(moment.step);
  auto name = sheet.kind + (sheet.of.empty() ? "" : "_" + sheet.of);
  std::string when = ", before training";
  if (moment.event < 0) {
    name += "_before";
  } else if (moment.when == When::kStep) {
    name += "_at_" + step;
    when = ", at step " + step + " (" + moment.name + ")";
  } else {
    bool const within = moment.when == When::kEpoch;
    name += "_after_" + std::to_string(moment.event) + "_" + moment.name + (within ? "_epoch_" + epoch : "");
    when = ", after " + (within ? "epoch " + epoch + " of " : "") + moment.name;
  }
  name += ".png";
  write_sheet(files_.folder / "samples" / name, sheet.images, sheet.columns);
  Json line = {{"file", name},          {"kind", sheet.kind},  {"task", sheet.of},
               {"event", moment.event}, {"step", moment.step}, {"caption", sheet.what + when}};
  if (moment.when == When::kEpoch) line["epoch"] = moment.epoch;
  files_.samples.append(line.dump());
}

}  // namespace mneme
