#include "mneme/nets/progressive.hpp"

#include <torch/types.h>

#include <algorithm>
#include <utility>

namespace mneme {
namespace {

constexpr double kLargestScale = 0.1;  // of alpha at first: "small random values" in the paper

}  // namespace

Progressive::Progressive(ParameterArena& arena, std::int64_t inputs, ProgressiveOptions options, std::int64_t outputs,
                         std::string root)
    : arena_(&arena), options_(std::move(options)), root_(std::move(root)), widths_({inputs}) {
  widths_.insert(widths_.end(), options_.hidden.begin(), options_.hidden.end());
  widths_.push_back(outputs);
  auto& first = columns_.emplace_back();
  for (std::size_t i = 0; i + 1 < widths_.size(); ++i)
    first.layers.emplace_back(arena, prefix(0) + layer_name(i), widths_[i], widths_[i + 1]);
}

std::string Progressive::prefix(std::size_t column) const {
  return root_ + (column == 0 ? "" : "column" + std::to_string(column) + ".");
}

std::string Progressive::layer_name(std::size_t layer) const {
  return layer + 2 == widths_.size() ? "head" : "fc" + std::to_string(layer + 1);
}

std::vector<int> Progressive::segments(std::int64_t column) const {
  std::vector<int> list;
  auto const& all = arena_->segments();
  auto const own = prefix(static_cast<std::size_t>(column));
  for (std::size_t i = 0; i < all.size(); ++i)
    if (all[i].name.starts_with(own) && (column > 0 || !all[i].name.starts_with(root_ + "column")))
      list.push_back(static_cast<int>(i));
  return list;
}

void Progressive::add_column(std::function<void(std::string, Shape)> const& append, at::Generator& generator) {
  auto const k = columns();
  auto const own = prefix(static_cast<std::size_t>(k));
  auto const linear = [&](std::string const& name, std::int64_t in, std::int64_t out) {
    append(name + ".weight", {out, in});
    append(name + ".bias", {out});
  };
  for (std::size_t i = 0; i + 1 < widths_.size(); ++i) {
    auto const name = own + layer_name(i);
    linear(name, widths_[i], widths_[i + 1]);
    if (i == 0 || options_.lateral == "none") continue;
    if (options_.lateral == "adapter") {
      append(name + ".alpha", {k});
      linear(name + ".in", k * widths_[i], widths_[i]);
      linear(name + ".out", widths_[i], widths_[i + 1]);
    } else {
      for (std::int64_t j = 0; j < k; ++j) linear(name + ".from" + std::to_string(j), widths_[i], widths_[i + 1]);
    }
  }
  attach();
  initialise(columns_.back(), generator);
}

std::int64_t Progressive::columns() {
  attach();
  return static_cast<std::int64_t>(columns_.size());
}

/// Columns that the arena has and this does not know yet: one was added, or a checkpoint with more was loaded.
void Progressive::attach() {
  auto const& all = arena_->segments();
  auto const exists = [&](std::string const& name) {
    return std::any_of(all.begin(), all.end(), [&](Segment const& s) { return s.name == name; });
  };
  for (auto k = columns_.size(); exists(prefix(k) + "head.bias"); ++k) {
    auto& column = columns_.emplace_back();
    for (std::size_t i = 0; i + 1 < widths_.size(); ++i) {
      auto const name = prefix(k) + layer_name(i);
      column.layers.emplace_back(*arena_, name);
      if (i == 0) continue;
      auto& lateral = column.laterals.emplace_back();
      if (options_.lateral == "adapter") {
        lateral.scale = arena_->find(name + ".alpha");
        lateral.in.emplace_back(*arena_, name + ".in");
        lateral.out.emplace_back(*arena_, name + ".out");
      } else if (options_.lateral == "linear") {
        for (std::size_t j = 0; j < k; ++j) lateral.out.emplace_back(*arena_, name + ".from" + std::to_string(j));
      }
    }
  }
}

Output Progressive::forward(at::Tensor const& x, ForwardContext const& context) {
  auto const last = static_cast<std::size_t>(selected_ < 0 ? columns() - 1 : std::min(selected_, columns() - 1));
  auto const input = x.dim() == 2 ? x : x.flatten(1);
  std::vector<std::vector<at::Tensor>> old;
  for (std::size_t k = 0; k < last; ++k) {
    at::NoGradGuard const no_grad;
    old.push_back(run(k, input, old, nullptr));
  }
  auto layers = run(last, input, old, context.gates);
  auto logits = std::move(layers.back());
  layers.pop_back();
  return {.logits = std::move(logits), .features = layers.empty() ? input : layers.back(), .more = {}};
}

/// Outputs of all layers of a column, the hidden ones times their gates.
std::vector<at::Tensor> Progressive::run(std::size_t column, at::Tensor const& x,
                                         std::vector<std::vector<at::Tensor>> const& old, Gates const* gates) const {
  auto const& own = columns_[column];
  std::vector<at::Tensor> layers;
  at::Tensor h = x;
  for (std::size_t i = 0; i < own.layers.size(); ++i) {
    auto y = own.layers[i].forward(h);
    if (i > 0 && column > 0 && !own.laterals[i - 1].out.empty()) y = y + lateral(own.laterals[i - 1], i - 1, old);
    h = i + 1 < own.layers.size() ? y.relu() : y;
    if (gates && i < gates->size() && (*gates)[i].defined()) h = h * (*gates)[i];
    layers.push_back(h);
  }
  return layers;
}

at::Tensor Progressive::lateral(Lateral const& lateral, std::size_t layer,
                                std::vector<std::vector<at::Tensor>> const& old) const {
  if (lateral.scale < 0) {
    auto sum = lateral.out[0].forward(old[0][layer]);
    for (std::size_t j = 1; j < lateral.out.size(); ++j) sum = sum + lateral.out[j].forward(old[j][layer]);
    return sum;
  }
  auto const& alpha = arena_->leaf(lateral.scale);
  std::vector<at::Tensor> scaled;
  for (std::size_t j = 0; j < old.size(); ++j)
    scaled.push_back(old[j][layer] * alpha.select(0, static_cast<std::int64_t>(j)));
  return lateral.out[0].forward(lateral.in[0].forward(at::cat(scaled, 1)).relu());
}

void Progressive::initialise(Column const& column, at::Generator& generator) {
  for (auto const& layer : column.layers) layer.initialise(generator);
  for (auto const& lateral : column.laterals) {
    for (auto const& layer : lateral.in) layer.initialise(generator);
    for (auto const& layer : lateral.out) layer.initialise(generator);
    if (lateral.scale < 0) continue;
    auto const& alpha = arena_->value(lateral.scale);
    at::NoGradGuard const no_grad;
    alpha.copy_(at::empty(alpha.sizes(), at::kFloat).uniform_(0, kLargestScale, generator));
  }
}

void Progressive::initialise(at::Generator& generator) {
  attach();
  for (auto const& column : columns_) initialise(column, generator);
}

}  // namespace mneme
