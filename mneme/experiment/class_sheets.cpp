#include "mneme/experiment/class_sheets.hpp"

#include <torch/types.h>

#include <optional>

namespace mneme {
namespace {

constexpr std::int64_t kTraversed = 12, kManifold = 15, kInterpolated = 11;
constexpr double kLowest = 0.01, kHighest = 0.99;

/// Values that change down the sheet, and across it, [n * n] each.
std::pair<at::Tensor, at::Tensor> grid(at::Tensor const& values) {
  auto const n = values.size(0);
  return {values.repeat_interleave(n), values.repeat({n})};
}

/// The first test image of the class [1, ...]; nothing where there is none.
std::optional<at::Tensor> image_of(std::vector<Task> const& tested, std::int64_t label) {
  for (auto const& task : tested) {
    auto const index = task.test.labels().eq(label).nonzero().squeeze(1);
    if (index.size(0) > 0) return task.test.gather(index.narrow(0, 0, 1));
  }
  return std::nullopt;
}

std::vector<std::int64_t> corner_classes(std::int64_t classes) {
  if (classes >= 10) return {7, 9, 1, 6};
  return {0, classes / 3, 2 * classes / 3, classes - 1};
}

std::optional<Sheet> traversal(Conditional const& model, std::vector<Task> const& tested, at::Device device) {
  auto const classes = corner_classes(model.classes());
  std::vector<at::Tensor> images;
  std::string names;
  for (auto const c : classes) {
    auto image = image_of(tested, c);
    if (!image) return std::nullopt;
    images.push_back(image->to(device));
    names += (names.empty() ? "" : ", ") + std::to_string(c);
  }
  auto const labels = at::tensor(classes, at::kLong).to(device);
  auto const c = model.condition(labels), z = model.encode(at::cat(images), c);
  auto const [down, across] = grid(at::linspace(0, 1, kTraversed, z.options()));
  return Sheet{.kind = "traversal",
               .what = "between test images of the classes " + names + ", one in each corner, and their names",
               .columns = kTraversed,
               .images = model.decode(between_corners(z, down, across), between_corners(c, down, across))};
}

Sheet manifold(Conditional const& model, std::int64_t label, at::Device device) {
  auto const options = at::TensorOptions(at::kFloat).device(device);
  auto const [down, across] = grid(at::special_ndtri(at::linspace(kLowest, kHighest, kManifold, options)));
  auto z = at::zeros({kManifold * kManifold, model.latent()}, options);
  z.select(1, 0).copy_(down);
  z.select(1, 1).copy_(across);
  auto const labels = at::full({z.size(0)}, label, options.dtype(at::kLong));
  return {.kind = "manifold",
          .what = "class " + std::to_string(label) +
                  " over the first two numbers of the code, at the normal quantiles 0.01 to 0.99",
          .of = "class " + std::to_string(label),
          .columns = kManifold,
          .images = model.decode(z, model.condition(labels))};
}

Sheet interpolation(Conditional const& model, at::Device device) {
  auto const options = at::TensorOptions(at::kFloat).device(device);
  auto const from = at::arange(model.classes(), options.dtype(at::kLong)).repeat_interleave(kInterpolated);
  auto const t = at::linspace(0, 1, kInterpolated, options).repeat({model.classes()}).unsqueeze(1);
  auto const to = (from + 1).remainder(model.classes());
  auto const condition = model.condition(from) * (1 - t) + model.condition(to) * t;
  return {.kind = "interpolation",
          .what = "a row for each class, from it to the next, all of the code 0",
          .columns = kInterpolated,
          .images = model.decode(at::zeros({from.size(0), model.latent()}, options), condition)};
}

}  // namespace

at::Tensor between_corners(at::Tensor const& corners, at::Tensor const& u, at::Tensor const& v) {
  auto const down = u.unsqueeze(1), across = v.unsqueeze(1);
  return (1 - down) * ((1 - across) * corners[0] + across * corners[1]) +
         down * ((1 - across) * corners[2] + across * corners[3]);
}

std::vector<Sheet> class_sheets(Conditional const& model, std::vector<Task> const& tested,
                                std::vector<std::int64_t> const& shown, at::Device device) {
  at::NoGradGuard const no_grad;
  std::vector<Sheet> sheets = {interpolation(model, device)};
  if (auto sheet = traversal(model, tested, device)) sheets.push_back(std::move(*sheet));
  if (model.latent() >= 2)
    for (auto const label : shown) sheets.push_back(manifold(model, label, device));
  return sheets;
}

}  // namespace mneme
