#include "mneme/experiment/pictures.hpp"

#include <torch/types.h>

#include <algorithm>

#include "mneme/core/files.hpp"
#include "mneme/core/text.hpp"
#include "mneme/experiment/class_sheets.hpp"
#include "mneme/experiment/judge.hpp"
#include "mneme/io/image_file.hpp"
#include "mneme/learners/conditional.hpp"
#include "mneme/train/evaluate.hpp"

namespace mneme {
namespace {

constexpr std::int64_t kShown = 8;  // images in a row
constexpr std::int64_t kPriorRows = 4;
constexpr std::int64_t kOfAClass = 10;

std::string after(EvaluationRow const& row) { return row.event < 0 ? "before training" : "after " + row.task; }

}  // namespace

PictureObserver::PictureObserver(RunFiles& files, StrategyList& strategies, Stream const& stream, std::uint64_t seed)
    : files_(files), strategies_(strategies), task_known_(stream.visibility.task_at_test), streams_(seed) {
  for (auto const* task : stream.tested()) {
    tested_.push_back(*task);
    samples_tested_ += task->test.size();
  }
  shown_ = forgotten_classes(stream);
  for (std::int64_t c = 0; c < stream.classes; ++c)  // and one that stays
    if (std::find(shown_.begin(), shown_.end(), c) == shown_.end()) {
      shown_.push_back(c);
      break;
    }
}

void PictureObserver::evaluated(EvaluationMatrix const& matrix, Learner& learner) {
  auto const& row = matrix.rows.back();
  for (auto const& task : tested_) {
    if (task.test.data().dim() != 4) continue;
    TestScope const scope(strategies_, {learner, task_known_ ? std::optional(task.id) : std::nullopt});
    reconstruct(learner, task, row);
    if (task_known_) generate(learner, task.name, row);
  }
  if (!task_known_) generate(learner, "", row);
}

void PictureObserver::reconstruct(Learner& learner, Task const& task, EvaluationRow const& row) {
  auto* model = dynamic_cast<Reconstructs*>(&learner);
  auto const* by_class = dynamic_cast<Conditional const*>(&learner);
  if (model == nullptr && by_class == nullptr) return;
  auto choice = streams_.fresh("pictures/" + task.name);
  auto noise = streams_.fresh("pictures-noise/" + task.name);
  auto const index =
      draw_permutation(task.test.size(), choice, at::kCPU).narrow(0, 0, std::min(kShown, task.test.size()));
  auto const device = learner.parameters().device();
  auto const originals = task.test.gather(index).to(device);
  auto const made = by_class
                        ? by_class->reconstruct(originals, task.test.labels().index_select(0, index).to(device), noise)
                        : model->reconstruct(originals, noise);
  save(at::cat({originals, made}), index.size(0), "reconstruction", task.name, row,
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
    for (auto const& sheet : class_sheets(*by_class, tested_, shown_, device))
      save(sheet.images, sheet.columns, sheet.kind, sheet.of, row, sheet.what + ", " + after(row));
    write_codes(*by_class, row, device);
    return;
  }
  auto* model = dynamic_cast<Generates*>(&learner);
  if (model == nullptr) return;
  auto const images = model->sample(kShown * kPriorRows, noise);
  if (images.dim() == 4) save(images, kShown, "prior", task, row, "samples of the prior" + as_for + ", " + after(row));
}

/// Codes of test images, drawn once, for whoever wants to see how they lie (scripts/latent.py).
void PictureObserver::write_codes(Conditional const& model, EvaluationRow const& row, at::Device device) {
  constexpr std::int64_t kCodes = 2000;
  std::vector<at::Tensor> images, labels;
  for (auto const& task : tested_) {
    auto choice = streams_.fresh("codes/" + task.name);
    auto const count = std::max<std::int64_t>(1, task.test.size() * kCodes / samples_tested_);
    auto const index =
        draw_permutation(task.test.size(), choice, at::kCPU).narrow(0, 0, std::min(count, task.test.size()));
    images.push_back(task.test.gather(index));
    labels.push_back(task.test.labels().index_select(0, index));
  }
  auto const label = at::cat(labels);
  auto const codes = model.encode(at::cat(images).to(device), label.to(device)).cpu().contiguous();
  constexpr double kDigits = 1e4;
  auto const rounded = (codes.to(at::kDouble) * kDigits).round() / kDigits;
  auto const z = rounded.accessor<double, 2>();
  auto const c = label.accessor<std::int64_t, 1>();
  std::string text = "class";
  for (std::int64_t i = 0; i < codes.size(1); ++i) text += ",z" + std::to_string(i);
  text += '\n';
  for (std::int64_t n = 0; n < codes.size(0); ++n) {
    text += std::to_string(c[n]);
    for (std::int64_t i = 0; i < codes.size(1); ++i) text += ',' + format_number(z[n][i]);
    text += '\n';
  }
  std::filesystem::create_directories(files_.folder / "codes");
  write_file(files_.folder / "codes" / (std::to_string(row.event) + "_" + row.kind + ".csv"), text);
}

void PictureObserver::save(at::Tensor const& images, std::int64_t columns, std::string const& kind,
                           std::string const& task, EvaluationRow const& row, std::string const& caption) {
  auto const rows = (images.size(0) + columns - 1) / columns;
  auto const channels = images.size(1), height = images.size(2), width = images.size(3);
  auto const bytes = images.mul(255).round_().clamp_(0, 255).to(at::kByte).cpu();
  constexpr std::int64_t kGap = 2;
  auto sheet = at::full({rows * (height + kGap) - kGap, columns * (width + kGap) - kGap, channels}, 128, at::kByte);
  for (std::int64_t i = 0; i < images.size(0); ++i)
    sheet.narrow(0, i / columns * (height + kGap), height)
        .narrow(1, i % columns * (width + kGap), width)
        .copy_(bytes[i].permute({1, 2, 0}));
  auto const name = kind + (task.empty() ? "" : "_" + task) +
                    (row.event < 0 ? "_before" : "_after_" + std::to_string(row.event) + "_" + row.task) + ".png";
  auto const flat = sheet.contiguous();
  write_png(files_.folder / "samples" / name, static_cast<int>(flat.size(1)), static_cast<int>(flat.size(0)),
            static_cast<int>(channels), {flat.const_data_ptr<std::uint8_t>(), static_cast<std::size_t>(flat.numel())});
  files_.samples.append(Json{
      {"file", name}, {"kind", kind}, {"task", task}, {"event", row.event}, {"step", row.step}, {"caption", caption}}
                            .dump());
}

}  // namespace mneme
