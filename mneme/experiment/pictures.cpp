#include "mneme/experiment/pictures.hpp"

#include <torch/types.h>

#include <algorithm>

#include "mneme/experiment/class_sheets.hpp"
#include "mneme/experiment/domain_sheets.hpp"
#include "mneme/experiment/judge.hpp"
#include "mneme/train/evaluate.hpp"

namespace mneme {
namespace {

constexpr std::int64_t kShown = 8;  // images in a row
constexpr std::int64_t kShownOfADomain = 32;
constexpr std::int64_t kPriorRows = 4;
constexpr std::int64_t kOfAClass = 10;

std::string after(EvaluationRow const& row) { return row.event < 0 ? "before training" : "after " + row.task; }

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
  bool const by_task = task_known_ && dynamic_cast<Recalls const*>(&learner) == nullptr;
  for (auto const& task : tested_) {
    if (task.test.data().dim() != 4) continue;
    TestScope const scope(strategies_, {learner, task_known_ ? std::optional(task.id) : std::nullopt});
    reconstruct(learner, task, row);
    if (by_task) generate(learner, task.name, row);
  }
  if (!by_task) generate(learner, "", row);
}

void PictureObserver::reconstruct(Learner& learner, Task const& task, EvaluationRow const& row) {
  auto* model = dynamic_cast<Reconstructs*>(&learner);
  auto const* by_class = dynamic_cast<Conditional const*>(&learner);
  auto const* by_domain = dynamic_cast<Recalls const*>(&learner);
  if ((model == nullptr && by_class == nullptr) || (by_domain != nullptr && !by_domain->encodes())) return;
  auto choice = streams_.fresh("pictures/" + task.name);
  auto noise = streams_.fresh("pictures-noise/" + task.name);
  auto const most = by_domain ? kShownOfADomain : kShown;
  auto const index =
      draw_permutation(task.test.size(), choice, at::kCPU).narrow(0, 0, std::min(most, task.test.size()));
  auto const device = learner.parameters().device();
  auto const originals = task.test.gather(index).to(device);
  auto const made = by_class
                        ? by_class->reconstruct(originals, task.test.labels().index_select(0, index).to(device), noise)
                        : model->reconstruct(originals, noise);
  save(in_pairs(originals, made, kShown), std::min(kShown, index.size(0)), "reconstruction", task.name, row,
       "originals and reconstructions of " + task.name + ", " + after(row));
}

void PictureObserver::generate(Learner& learner, std::string const& task, EvaluationRow const& row) {
  auto noise = streams_.fresh("pictures-prior");
  auto const as_for = task.empty() ? "" : " as for " + task;
  if (auto const* by_class = dynamic_cast<Conditional const*>(&learner)) {
    at::NoGradGuard const no_grad;
    auto const device = learner.parameters().device();
    auto const z = draw_normal({kOfAClass, by_class->latent()}, noise, device).repeat({by_class->classes(), 1});
    auto const labels = at::arange(by_class->classes(), at::TensorOptions(at::kLong).device(device));
    auto const images = by_class->decode(z, by_class->condition(labels.repeat_interleave(kOfAClass)));
    if (images.dim() != 4) return;
    save(images, kOfAClass, "classes", task, row,
         "a row for each class, a column for each code drawn from the prior" + as_for + ", " + after(row));
    if (row.event < 0 || !task.empty()) return;  // of noise there is nothing more to see
    save(class_sheets(*by_class, tested_, shown_, device), row);
    return;
  }
  if (auto const* by_domain = dynamic_cast<Recalls const*>(&learner); by_domain != nullptr && row.event >= 0) {
    save(domain_sheets(*by_domain, tested_, noise, learner.parameters().device()), row);
    return;
  }
  auto* model = dynamic_cast<Generates*>(&learner);
  if (model == nullptr) return;
  auto const images = model->sample(kShown * kPriorRows, noise);
  if (images.dim() == 4) save(images, kShown, "prior", task, row, "samples of the prior" + as_for + ", " + after(row));
}

void PictureObserver::save(std::vector<Sheet> const& sheets, EvaluationRow const& row) {
  for (auto const& sheet : sheets)
    save(sheet.images, sheet.columns, sheet.kind, sheet.of, row, sheet.what + ", " + after(row));
}

void PictureObserver::save(at::Tensor const& images, std::int64_t columns, std::string const& kind,
                           std::string const& task, EvaluationRow const& row, std::string const& caption) {
  auto const name = kind + (task.empty() ? "" : "_" + task) +
                    (row.event < 0 ? "_before" : "_after_" + std::to_string(row.event) + "_" + row.task) + ".png";
  write_sheet(files_.folder / "samples" / name, images, columns);
  files_.samples.append(Json{
      {"file", name}, {"kind", kind}, {"task", task}, {"event", row.event}, {"step", row.step}, {"caption", caption}}
                            .dump());
}

}  // namespace mneme
