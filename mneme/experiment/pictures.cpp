#include "mneme/experiment/pictures.hpp"

#include <torch/types.h>

#include "mneme/io/image_file.hpp"

namespace mneme {
namespace {

constexpr std::int64_t kShown = 8;  // images in a row
constexpr std::int64_t kPriorRows = 4;

std::string after(EvaluationRow const& row) { return row.event < 0 ? "before training" : "after " + row.task; }

}  // namespace

void PictureObserver::evaluated(EvaluationMatrix const& matrix, Learner& learner) {
  auto const& row = matrix.rows.back();
  if (auto* model = dynamic_cast<Reconstructs*>(&learner)) {
    for (auto const& task : tested_) {
      if (task.test.data().dim() != 4) continue;
      auto choice = streams_.fresh("pictures/" + task.name);
      auto noise = streams_.fresh("pictures-noise/" + task.name);
      auto const index =
          draw_permutation(task.test.size(), choice, at::kCPU).narrow(0, 0, std::min(kShown, task.test.size()));
      auto const originals = task.test.gather(index).to(learner.parameters().device());
      save(at::cat({originals, model->reconstruct(originals, noise)}), index.size(0), "reconstruction", task.name, row,
           "originals and reconstructions of " + task.name + ", " + after(row));
    }
  }
  if (auto* model = dynamic_cast<Generates*>(&learner)) {
    auto noise = streams_.fresh("pictures-prior");
    auto const images = model->sample(kShown * kPriorRows, noise);
    if (images.dim() == 4) save(images, kShown, "prior", "", row, "samples of the prior, " + after(row));
  }
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
