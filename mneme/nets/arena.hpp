// nets: networks and the arena that their parameters live in.
//
// ParameterArena: all parameters of a learner stand in one row `value [P]`, their gradients in one row `grad [P]`; each
// layer owns named segments of it. A Fisher diagonal, an anchor, an optimizer moment are then plain [P] rows. What a
// layer keeps beside parameters (running statistics of batch normalisation) stands in a further row `buffers [Q]`:
// state that is saved, copied and restored with the parameters, but has no gradient, and that no optimizer, penalty or
// importance sees.
//
// Two kinds of layer write gradients. Mneme's own layers (layers.hpp) write straight into the sink that is open on the
// arena, with the reduction over samples that the sink asks for. Leaves (`leaf`, and modules taken in by `adopt`) are
// ordinary autograd parameters whose `.grad` is a view of `grad [P]`.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mneme {

using Shape = std::vector<std::int64_t>;

/// A named, contiguous part of the arena: elements [offset, offset + size) of every [P] row.
struct Segment {
  std::string name;
  Shape shape;
  std::int64_t offset = 0;
  std::int64_t size = 0;

  /// Its part of a [P] row, in its shape; a view.
  [[nodiscard]] at::Tensor of(at::Tensor const& row) const;
};

/// How old offsets map to new ones when an arena grows.
struct Growth {
  struct Move {
    std::int64_t from, to, length;
  };
  std::int64_t old_size = 0;
  std::int64_t new_size = 0;
  std::vector<Move> moves;

  /// A row of the new size that holds the old row's elements at their new places and `fill` elsewhere.
  [[nodiscard]] at::Tensor carry(at::Tensor const& old_row, double fill = 0.0) const;
};

/// What a backward pass leaves in a row.
enum class Reduction {
  kSum,              // sum over samples of the gradient: training
  kSumOfSquares,     // sum over samples of the squared per-sample gradient: importance
  kExpectedSquares,  // the same summed over several backward passes of one graph (all labels); see
                     // GradientSink::last_pass
  kSumOfAbsolutes,   // sum over samples of the absolute per-sample gradient: sensitivity
  kProducts,         // nothing: inner products of the per-sample gradients go to GradientSink::products
};

class ParameterArena;

/// Where a backward pass writes parameter gradients. The first write to a segment overwrites, later ones add, so a
/// layer may be used any number of times in a step; `finish` zeroes the segments that nothing wrote to.
/// With squares, absolute values or products a second use of a layer cannot be right (they do not add) and throws
/// LayerReused.
class GradientSink {
 public:
  GradientSink(ParameterArena const& arena, at::Tensor row, Reduction reduction);

  void begin();
  void finish();
  [[nodiscard]] at::Tensor const& view(int segment) const { return views_[static_cast<std::size_t>(segment)]; }
  [[nodiscard]] at::Tensor const& row() const { return row_; }
  [[nodiscard]] Reduction reduction() const { return reduction_; }
  /// Marks the segment as written; true if it already held something from this pass.
  bool claim(int segment);
  /// Adds a layer's share [N, N] to `products`.
  void add_products(at::Tensor const& share);

  bool last_pass = true;  // kExpectedSquares: layers hold their squares back until the last backward pass of the graph
  at::Tensor products;    // kProducts: [N, N], summed over the layers of a pass; undefined before

 private:
  at::Tensor row_;
  std::vector<at::Tensor> views_;
  std::vector<char> written_;
  Reduction reduction_;
};

/// A layer was used twice in a pass whose reduction needs per-sample gradients.
struct LayerReused : std::exception {
  explicit LayerReused(std::string name) : segment(std::move(name)) {}
  [[nodiscard]] char const* what() const noexcept override { return segment.c_str(); }
  std::string segment;
};

class ParameterArena {
 public:
  explicit ParameterArena(at::Device device = at::kCPU) : device_(device) {}
  ParameterArena(ParameterArena const&) = delete;
  ParameterArena& operator=(ParameterArena const&) = delete;

  /// Declares a segment and returns its index. Throws ConfigError on a name that exists, or after `allocate`.
  int add(std::string name, Shape shape);
  /// Makes the rows. Values and gradients are zero; the owner initialises them.
  void allocate();
  [[nodiscard]] bool allocated() const { return value_.defined(); }

  /// Gives `segment` a new shape (each extent at least the old one) and keeps what it held in the leading corner; new
  /// elements are zero. Every row of the old size must be taken through the returned map.
  Growth resize(int segment, Shape shape);
  /// Appends a new segment to an allocated arena.
  Growth append(std::string name, Shape shape);

  /// Takes over the tensors of a module of the user's (anything with named parameters): copies their values into new
  /// segments and makes each tensor a view of the arena, its `.grad` a view of `grad`. Call before `allocate`; the
  /// tensors must stay alive as long as the arena.
  void adopt(std::string const& prefix, std::vector<std::pair<std::string, at::Tensor>> const& parameters);
  template <class Module>
  void adopt_module(std::string const& prefix, Module& module) {
    std::vector<std::pair<std::string, at::Tensor>> parameters;
    for (auto const& item : module.named_parameters()) parameters.emplace_back(item.key(), item.value());
    adopt(prefix, parameters);
  }

  [[nodiscard]] at::Tensor const& value() const { return value_; }  // [P]
  [[nodiscard]] at::Tensor const& grad() const { return grad_; }    // [P]
  [[nodiscard]] at::Tensor const& value(int segment) const;         // in the segment's shape
  /// An autograd leaf over the segment, for code that needs gradients of gradients or plain torch operations.
  at::Tensor const& leaf(int segment);
  [[nodiscard]] bool has_leaves() const { return !leaf_ids_.empty(); }

  /// Declares numbers of a layer that are no parameters and returns their index. Before `allocate`, which zeroes them.
  int add_buffer(std::string name, Shape shape);
  [[nodiscard]] at::Tensor const& buffers() const { return buffers_; }  // [Q], Q = 0 where no layer has any
  [[nodiscard]] at::Tensor const& buffer(int index) const;              // in its shape

  /// A new zero row [P], placed so that a pass over several rows does not hit the same cache sets.
  [[nodiscard]] at::Tensor new_row() const;

  [[nodiscard]] std::int64_t size() const { return size_; }
  [[nodiscard]] std::vector<Segment> const& segments() const { return segments_; }
  [[nodiscard]] Segment const& segment(int id) const { return segments_[static_cast<std::size_t>(id)]; }
  /// Index of the segment; throws ConfigError naming the known ones.
  [[nodiscard]] int find(std::string_view name) const;
  [[nodiscard]] at::Device device() const { return device_; }

  /// The sink that layers write to; the gradient row unless another is open.
  [[nodiscard]] GradientSink& sink() { return open_ ? *open_ : *gradient_sink_; }
  /// Starts a gradient in the open sink: clears its flags, and zeroes what autograd will add to.
  void begin_gradient();
  /// Ends it: segments that nothing wrote to are zero.
  void finish_gradient() { sink().finish(); }

  /// Opens another sink for a scope.
  class Redirect {
   public:
    Redirect(ParameterArena& arena, GradientSink& sink) : arena_(arena), before_(arena.open_) { arena.open_ = &sink; }
    ~Redirect() {
      arena_.open_ = before_;
      arena_.point_leaves();
    }
    Redirect(Redirect const&) = delete;
    Redirect& operator=(Redirect const&) = delete;

   private:
    ParameterArena& arena_;
    GradientSink* before_;
  };

 private:
  void bind();
  void point_leaves();          // the leaves' .grad to the open sink
  void open_leaf(int segment);  // zeroes its part of the open sink and lets autograd add to it
  Growth relayout(std::vector<Segment> next);

  at::Device device_;
  std::vector<Segment> segments_;
  std::int64_t size_ = 0;
  at::Tensor value_, grad_;
  std::vector<at::Tensor> value_views_;
  std::vector<int> leaf_ids_;       // segments that autograd accumulates into
  std::vector<at::Tensor> leaves_;  // by segment; undefined where there is none
  std::vector<std::pair<int, at::Tensor>> adopted_;
  std::unique_ptr<GradientSink> gradient_sink_;
  GradientSink* open_ = nullptr;
  mutable std::int64_t rows_made_ = 0;
  std::vector<Segment> buffer_segments_;
  at::Tensor buffers_;
  std::vector<at::Tensor> buffer_views_;
};

}  // namespace mneme
