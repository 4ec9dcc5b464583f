// The output layer of a net.
//
//   linear   s_c = w_c . h + b_c
//   cosine   s_c = eta cos(w_c, h) = eta (w_c . h) / (|w_c| |h|), eta one learned number, `scale` at the start
//
// Cosine: Hou et al. 2019, Learning a unified classifier incrementally via rebalancing, CVPR, eq. 3. Scores of old and
// new classes have the same scale, whatever the norms of their weights; there is no bias. A row of weights or a
// sample's features that are all zero give the score 0, and no gradient. eta is a parameter as any other: Adam moves it
// by about a learning rate a step, so that from 1 it needs thousands of steps to where the softmax can be sure.
#pragma once

#include <string>
#include <variant>

#include "mneme/core/options.hpp"
#include "mneme/nets/layers.hpp"
#include "mneme/nets/net.hpp"

namespace mneme {

/// The cosines [N, out] of the angles between x [N, in] and the rows of W [out, in].
class Cosine {
 public:
  Cosine(ParameterArena& arena, std::string const& name, std::int64_t in, std::int64_t out);
  [[nodiscard]] at::Tensor forward(at::Tensor const& x) const;
  void initialise(at::Generator& generator) const;

 private:
  friend struct CosineNode;
  ParameterArena* arena_;
  int weight_;
};

/// y = eta x, x [N, C], eta one number, `initial` at the start.
class Scale {
 public:
  Scale(ParameterArena& arena, std::string const& name, double initial);
  [[nodiscard]] at::Tensor forward(at::Tensor const& x) const;
  void initialise() const;

 private:
  friend struct ScaleNode;
  ParameterArena* arena_;
  int scale_;
  double initial_;
};

struct OutputOptions {
  std::string output = "linear";
  double scale = 1.0;
  void describe(OptionVisitor& v);
};

/// Segments "<name>.weight" and "<name>.bias" (linear), or "<name>.weight" and "<name>.scale" (cosine).
class OutputLayer {
 public:
  OutputLayer(ParameterArena& arena, std::string const& name, std::int64_t in, std::int64_t out,
              OutputOptions const& options = {});
  /// Logits and features; with cosines also `more["cosines"]` [N, out], before the scale, for losses of their own.
  [[nodiscard]] Output forward(at::Tensor const& features) const;
  void initialise(at::Generator& generator) const;

 private:
  struct CosineHead {
    Cosine cosine;
    Scale scale;
  };
  using Layer = std::variant<Linear, CosineHead>;
  static Layer make(ParameterArena& arena, std::string const& name, std::int64_t in, std::int64_t out,
                    OutputOptions const& options);

  Layer layer_;  // a node of the graph points at its layer: an OutputLayer must not move once it is used
};

}  // namespace mneme
