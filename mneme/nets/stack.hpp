// Stack: layers one after another in plain torch operations over the arena.
//
// For nets that are trained in one pass and only passed through in the next, as those of adversarial learners are:
// parameters take part in the graph only where the pass says that they are trained, so that a net that is passed
// through costs the gradient of its input and nothing more. Layers of layers.hpp always write their gradients. The
// gradient per sample that importance is made of comes from one sample at a time here (ParameterArena::has_leaves).
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "mneme/nets/arena.hpp"

namespace mneme {

/// How a stack is run.
struct Pass {
  enum class Norm {
    kMoving,   // batch normalisation by the batch; the running statistics move
    kBatch,    // by the batch; they stay
    kRunning,  // by the running statistics
  };
  bool trained = false;  // the parameters take part in the graph
  Norm norm = Norm::kRunning;
  at::Generator* noise = nullptr;  // of dropout; none: it does nothing
};

class Stack {
 public:
  enum class Act { kNone, kRelu, kLeaky, kSigmoid };  // kLeaky: x > 0 ? x : 0.2 x
  /// kBatch: over the batch and all positions of a channel; kLayer: over a sample's channels and positions (Ba et al.
  /// 2016, arXiv:1607.06450, with a scale and a shift a channel).
  enum class Norm { kNone, kBatch, kLayer };
  struct Options {
    Norm norm = Norm::kNone;  // before the activation; the layer then has no bias
    Act act = Act::kNone;
  };

  /// Segments are named "<name>.fc1.weight", "<name>.conv2.bias", "<name>.norm2.weight", …, by the layer's number.
  Stack(ParameterArena& arena, std::string name) : arena_(&arena), name_(std::move(name)) {}

  /// y = act(x W' + b); inputs of more than two dimensions are flattened.
  Stack& linear(std::int64_t in, std::int64_t out, Options options);
  Stack& conv(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride, std::int64_t padding,
              Options options);
  /// Sides become `stride` times as long: kernel - 2 padding must be the stride, or one less where that is above 1.
  Stack& transposed(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride, std::int64_t padding,
                    Options options);
  /// The largest of 2 x 2.
  Stack& pool();
  /// Features [N, C h w] become maps [N, C, h, w].
  Stack& maps(std::int64_t channels, std::int64_t height, std::int64_t width);
  Stack& dropout(double share);

  /// Weights and biases uniform in +-1/sqrt(inputs of an output), PyTorch's default; normalisation to the identity.
  void initialise(at::Generator& generator) const;
  /// x [N, ...]. `slopes` receives the derivative of each activation, in order; for stacks of kNone, kRelu and kLeaky.
  [[nodiscard]] at::Tensor forward(at::Tensor const& x, Pass const& pass,
                                   std::vector<at::Tensor>* slopes = nullptr) const;
  /// J v for the Jacobian J of a forward pass that left these slopes, v [N, ...]; a graph of the trained parameters
  /// with the slopes held. Exact where activations are piecewise linear; for stacks without normalisation and pooling.
  [[nodiscard]] at::Tensor tangent(at::Tensor const& v, std::vector<at::Tensor> const& slopes, Pass const& pass) const;
  [[nodiscard]] bool normalises() const;

 private:
  enum class Kind { kLinear, kConv, kTransposed, kPool, kMaps, kDropout };
  struct Layer {
    Kind kind;
    int weight = -1, bias = -1;
    int scale = -1, shift = -1;    // of normalisation: segments
    int mean = -1, variance = -1;  // of batch normalisation: buffers
    std::int64_t stride = 1, padding = 0;
    Shape shape = {};    // kMaps
    double share = 0.0;  // kDropout
    Act act = Act::kNone;
  };

  Stack& add(Kind kind, std::string const& label, Shape weight, std::int64_t out, std::int64_t stride,
             std::int64_t padding, Options options);
  [[nodiscard]] at::Tensor parameter(int segment, Pass const& pass) const;
  [[nodiscard]] at::Tensor apply(Layer const& layer, at::Tensor const& x, Pass const& pass, bool bias) const;
  [[nodiscard]] at::Tensor normalised(Layer const& layer, at::Tensor const& x, Pass const& pass) const;

  ParameterArena* arena_;
  std::string name_;
  std::vector<Layer> layers_;
};

}  // namespace mneme
