// rotated: one data set of images, turned by another angle for every task.
#include <torch/nn/functional.h>
#include <torch/types.h>

#include <cmath>
#include <numbers>

#include "mneme/core/text.hpp"
#include "mneme/stream/making.hpp"

namespace mneme {
namespace {

struct RotatedOptions {
  std::string dataset = "mnist";
  std::vector<double> degrees = {0, 45, 90, 135};
  std::string scenario = "domain";
  void describe(OptionVisitor& v) {
    v.field("dataset", dataset, {.help = "data set of images to rotate"});
    v.field("degrees", degrees, {.help = "angle of each task, anticlockwise", .unit = "degrees"});
    describe_scenario(v, scenario);
  }
};

at::Tensor rotate(at::Tensor const& images, double degrees) {
  namespace F = torch::nn::functional;
  double const a = degrees * std::numbers::pi / 180;
  // affine_grid maps output to input positions, so this is the inverse rotation; y points down.
  auto const theta = at::tensor({std::cos(a), -std::sin(a), 0.0, std::sin(a), std::cos(a), 0.0}).view({1, 2, 3});
  std::vector<at::Tensor> parts;
  for (auto const& part : images.split(4096)) {
    auto const grid = F::affine_grid(theta.to(at::kFloat).expand({part.size(0), 2, 3}), part.sizes(), false);
    auto const turned = F::grid_sample(
        part.to(at::kFloat), grid,
        F::GridSampleFuncOptions().mode(torch::kBilinear).padding_mode(torch::kZeros).align_corners(false));
    parts.push_back(turned.round_().clamp_(0, 255).to(images.scalar_type()));
  }
  return at::cat(parts);
}

Stream make_rotated(Json const& options, std::string const& where, DataSource const& source, std::uint64_t) {
  auto const o = read_options<RotatedOptions>(options, where, {"kind"});
  auto const train = source(o.dataset, "train"), test = source(o.dataset, "test");
  if (!holds_images(train))
    throw ConfigError(where + ".dataset: '" + o.dataset + "' holds no images; only images can be rotated");
  if (o.degrees.empty()) throw ConfigError(where + ".degrees: empty; name at least one angle");
  auto stream = empty_stream("rotated", o.scenario);
  for (auto const degrees : o.degrees) {
    auto const turn = [&](Dataset const& d) {
      return degrees == 0 ? d : d.with(rotate(d.data(), degrees), d.labels());
    };
    auto const name = o.dataset + "-rotated-" + format_number(degrees);
    for (auto const* earlier : stream.tasks())
      if (earlier->name == name)
        throw ConfigError(where + ".degrees: " + format_number(degrees) +
                          " stands twice; tasks that come back are made by the change `repeat`");
    stream.events.emplace_back(
        make_task(name, static_cast<std::int64_t>(stream.events.size()), turn(train), turn(test)));
  }
  assign_outputs(stream, o.scenario);
  return stream;
}

}  // namespace

StreamRow rotated_row() {
  return {{.name = "rotated",
           .summary = "one data set of images at a fixed angle per task",
           .paper = "Lopez-Paz and Ranzato 2017, Gradient episodic memory for continual learning, arXiv:1706.08840",
           .options = list_options<RotatedOptions>},
          make_rotated};
}

}  // namespace mneme
