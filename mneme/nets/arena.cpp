#include "mneme/nets/arena.hpp"

#include <c10/util/accumulate.h>
#include <torch/types.h>

#include <numeric>

#include "mneme/core/errors.hpp"
#include "mneme/core/options.hpp"

namespace mneme {
namespace {

/// Copies the leading corner of one dense array to another as runs of the innermost extent.
void corner_moves(Shape const& from, Shape const& to, std::int64_t from_offset, std::int64_t to_offset,
                  std::vector<Growth::Move>& moves) {
  if (from == to) {
    moves.push_back({from_offset, to_offset, c10::multiply_integers(from)});
    return;
  }
  Shape const from_inner(from.begin() + 1, from.end()), to_inner(to.begin() + 1, to.end());
  std::int64_t const from_stride = c10::multiply_integers(from_inner), to_stride = c10::multiply_integers(to_inner);
  if (from_inner == to_inner) {
    moves.push_back({from_offset, to_offset, from[0] * from_stride});
    return;
  }
  for (std::int64_t i = 0; i < from[0]; ++i)
    corner_moves(from_inner, to_inner, from_offset + i * from_stride, to_offset + i * to_stride, moves);
}

}  // namespace

at::Tensor Segment::of(at::Tensor const& row) const { return row.narrow(0, offset, size).view(shape); }

at::Tensor Growth::carry(at::Tensor const& old_row, double fill) const {
  TORCH_CHECK(old_row.size(0) == old_size, "Growth::carry: row of ", old_row.size(0), ", expected ", old_size);
  auto row = at::full({new_size}, fill, old_row.options());
  for (auto const& move : moves) row.narrow(0, move.to, move.length).copy_(old_row.narrow(0, move.from, move.length));
  return row;
}

GradientSink::GradientSink(ParameterArena const& arena, at::Tensor row, Reduction reduction)
    : row_(std::move(row)), written_(arena.segments().size(), 0), reduction_(reduction) {
  TORCH_CHECK(row_.dim() == 1 && row_.size(0) == arena.size(), "GradientSink: the row must be [P] = ", arena.size());
  for (auto const& s : arena.segments()) views_.push_back(s.of(row_));
}

void GradientSink::begin() { std::fill(written_.begin(), written_.end(), 0); }

void GradientSink::finish() {
  for (std::size_t i = 0; i < written_.size(); ++i)
    if (!written_[i]) views_[i].zero_();
}

bool GradientSink::claim(int segment) {
  auto& flag = written_[static_cast<std::size_t>(segment)];
  bool const before = flag != 0;
  flag = 1;
  return before;
}

void GradientSink::add_products(at::Tensor const& share) {
  products = products.defined() ? products.add_(share) : share;
}

int ParameterArena::add(std::string name, Shape shape) {
  if (allocated()) throw ConfigError("parameter arena: '" + name + "' declared after the arena was made; use append");
  for (auto const& s : segments_)
    if (s.name == name) throw ConfigError("parameter arena: segment '" + name + "' exists already");
  auto const size = c10::multiply_integers(shape);
  segments_.push_back({std::move(name), std::move(shape), size_, size});
  size_ += size;
  return static_cast<int>(segments_.size()) - 1;
}

int ParameterArena::add_buffer(std::string name, Shape shape) {
  if (allocated()) throw ConfigError("parameter arena: buffer '" + name + "' declared after the arena was made");
  for (auto const& b : buffer_segments_)
    if (b.name == name) throw ConfigError("parameter arena: buffer '" + name + "' exists already");
  auto const offset = buffer_segments_.empty() ? 0 : buffer_segments_.back().offset + buffer_segments_.back().size;
  auto const size = c10::multiply_integers(shape);
  buffer_segments_.push_back({std::move(name), std::move(shape), offset, size});
  return static_cast<int>(buffer_segments_.size()) - 1;
}

void ParameterArena::allocate() {
  value_ = new_row();
  grad_ = new_row();
  auto const count = buffer_segments_.empty() ? 0 : buffer_segments_.back().offset + buffer_segments_.back().size;
  buffers_ = at::zeros({count}, at::TensorOptions().device(device_).dtype(at::kFloat));
  for (auto const& b : buffer_segments_) buffer_views_.push_back(b.of(buffers_));
  at::NoGradGuard no_grad;
  for (auto const& [id, tensor] : adopted_) {
    auto const& s = segments_[static_cast<std::size_t>(id)];
    value_.narrow(0, s.offset, s.size).copy_(tensor.flatten());
  }
  bind();  // from here on the adopted tensors are views of the arena
}

void ParameterArena::bind() {
  value_views_.clear();
  for (auto const& s : segments_) value_views_.push_back(s.of(value_));
  gradient_sink_ = std::make_unique<GradientSink>(*this, grad_, Reduction::kSum);
  leaves_.assign(segments_.size(), at::Tensor());
  auto const known = std::exchange(leaf_ids_, {});
  for (int const id : known) leaf(id);
}

at::Tensor const& ParameterArena::value(int segment) const { return value_views_[static_cast<std::size_t>(segment)]; }

at::Tensor const& ParameterArena::buffer(int index) const { return buffer_views_[static_cast<std::size_t>(index)]; }

at::Tensor const& ParameterArena::leaf(int segment) {
  auto& slot = leaves_[static_cast<std::size_t>(segment)];
  if (slot.defined()) return slot;
  // variable_data() gives a leaf with a version counter of its own: views of one base share theirs, and an update of
  // one segment would look like a change to all.
  slot = value(segment).variable_data();
  for (auto& [id, tensor] : adopted_) {
    if (id != segment) continue;
    tensor.set_data(slot);
    slot = tensor;
  }
  slot.requires_grad_(true);
  leaf_ids_.push_back(segment);
  open_leaf(segment);  // it may be made in a forward pass, after the gradient was begun
  return slot;
}

void ParameterArena::adopt(std::string const& prefix,
                           std::vector<std::pair<std::string, at::Tensor>> const& parameters) {
  for (auto const& [name, tensor] : parameters) {
    if (tensor.scalar_type() != at::kFloat)
      throw ConfigError("parameter arena: '" + prefix + name + "' is " +
                        std::string(c10::toString(tensor.scalar_type())) + "; only float32 parameters can be adopted");
    int const id = add(prefix + name, tensor.sizes().vec());
    adopted_.emplace_back(id, tensor);
    leaf_ids_.push_back(id);
  }
}

at::Tensor ParameterArena::new_row() const {
  // Rows at equal page distances make a fused pass over several of them up to four times slower on some processors;
  // each row starts a few cache lines further into its page.
  constexpr std::int64_t kStagger = 256, kSteps = 8;  // floats
  auto const shift = kStagger * (rows_made_++ % kSteps);
  return at::zeros({size_ + kStagger * kSteps}, at::TensorOptions().device(device_).dtype(at::kFloat))
      .narrow(0, shift, size_);
}

int ParameterArena::find(std::string_view name) const {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    if (segments_[i].name == name) return static_cast<int>(i);
    names.push_back(segments_[i].name);
  }
  throw ConfigError("parameter arena: no segment '" + std::string(name) + "': " + suggestion(name, names));
}

void ParameterArena::begin_gradient() {
  sink().begin();
  for (int const id : leaf_ids_) open_leaf(id);
}

void ParameterArena::point_leaves() {
  for (int const id : leaf_ids_) leaves_[static_cast<std::size_t>(id)].mutable_grad() = sink().view(id);
}

void ParameterArena::open_leaf(int segment) {
  auto& slot = leaves_[static_cast<std::size_t>(segment)];
  auto const& view = sink().view(segment);
  // A module's own zero_grad() may have taken the gradient away, or another sink may be open.
  if (!slot.grad().defined() || slot.grad().data_ptr() != view.data_ptr()) slot.mutable_grad() = view;
  view.zero_();
  sink().claim(segment);
}

Growth ParameterArena::resize(int segment, Shape shape) {
  auto next = segments_;
  auto& changed = next[static_cast<std::size_t>(segment)];
  bool const grows = shape.size() == changed.shape.size() &&
                     std::equal(shape.begin(), shape.end(), changed.shape.begin(), std::greater_equal<>());
  if (!grows) throw ConfigError("parameter arena: '" + changed.name + "' can only grow, extent by extent");
  changed.shape = std::move(shape);
  return relayout(std::move(next));
}

Growth ParameterArena::append(std::string name, Shape shape) {
  auto next = segments_;
  next.push_back({std::move(name), std::move(shape), 0, 0});
  return relayout(std::move(next));
}

Growth ParameterArena::relayout(std::vector<Segment> next) {
  TORCH_CHECK(allocated() && !open_, "ParameterArena: grow an allocated arena, outside any redirected gradient");
  Growth growth;
  growth.old_size = size_;
  std::int64_t offset = 0;
  for (std::size_t i = 0; i < next.size(); ++i) {
    next[i].offset = offset;
    next[i].size = c10::multiply_integers(next[i].shape);
    offset += next[i].size;
    if (i < segments_.size())
      corner_moves(segments_[i].shape, next[i].shape, segments_[i].offset, next[i].offset, growth.moves);
  }
  growth.new_size = offset;
  at::NoGradGuard no_grad;
  auto const old_value = value_;
  segments_ = std::move(next);
  size_ = offset;
  value_ = new_row();
  value_.copy_(growth.carry(old_value));
  grad_ = new_row();
  bind();
  return growth;
}

}  // namespace mneme
