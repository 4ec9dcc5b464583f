// CoPE (continual prototype evolution): one prototype for each class, moved by its batches; samples are drawn to the
// prototype of their class and to each other, and classified by the nearest prototype.
//
//   p_c <- norm( alpha p_c + (1 - alpha) norm(mean of f over the batch's samples of class c) )
//   P(c | f; q) = e^{f.q / T} / ( e^{f.q / T} + sum_{k != c} e^{f.p_k / T} )
//   L = -(1/B) sum over i of [ log mean over q in (B_c without i) and p_c of P(c | f_i; q)               c = y_i
//                              + sum over j, y_j != c, of log(1 - mean over q in {f_i, p_c} of P(c | f_j; q)) ]
//   predict: argmax_c f.p_c
//
// f [F] is the last hidden layer, brought to unit length; B counts new and stored samples together, B_c those of class
// c; k runs over the classes seen so far. Prototypes and the q are constants: no gradient goes through them. All is
// computed with logarithms, so that T may be as small as one likes. De Lange
// and Tuytelaars 2021, Continual prototype evolution: learning online from non-stationary data streams, ICCV,
// arXiv:2009.00919.
//
// Differences from the paper: f comes after a ReLU and is as wide as the last hidden layer, the paper adds a linear
// layer of its own; stored samples are drawn uniformly from a class-balanced buffer, the paper draws a class first.
#pragma once

#include "mneme/strategies/replay.hpp"

namespace mneme {

struct CopeOptions {
  BufferOptions buffer = {.memory = 2000, .policy = "class-balanced"};
  std::int64_t batch = 0;
  double alpha = 0.99;
  double temperature = 0.1;
  void describe(OptionVisitor& v);
};

/// One unit vector for each class [C, F], and which classes have been seen, bool [C].
class Prototypes {
 public:
  /// Random directions with positive coordinates, for all classes.
  void draw(std::int64_t classes, at::Tensor const& like, at::Generator& generator);
  [[nodiscard]] bool empty() const { return !value_.defined(); }
  void see(at::Tensor const& labels);
  /// Moves the prototypes of the classes in the batch: f [N, F] of unit length, labels int64 [N].
  void move(at::Tensor const& f, at::Tensor const& labels, double alpha);
  /// As if these classes had never been seen, but that their prototypes are zero until they move.
  void forget(std::vector<std::int64_t> const& classes);
  [[nodiscard]] at::Tensor const& value() const { return value_; }
  [[nodiscard]] at::Tensor const& seen() const { return seen_; }
  void state(Archive& archive);

 private:
  at::Tensor value_, seen_;
};

/// The pseudo-prototypical proxy loss L above. f [N, F] of unit length, labels int64 [N], prototypes [C, F], seen bool
/// [C] (all labels of the batch among them). Finite for every temperature above 0 that float can divide by.
[[nodiscard]] at::Tensor ppp_loss(at::Tensor const& f, at::Tensor const& labels, Prototypes const& prototypes,
                                  double temperature);

class Cope final : public Strategy, public LetsGo {
 public:
  explicit Cope(CopeOptions options) : options_(std::move(options)), buffer_(options_.buffer) {}
  [[nodiscard]] Needs needs() const override;
  Batch compose(Batch batch, StepContext& context) override;
  std::optional<at::Tensor> objective(StepContext& context) override;
  void after_step(StepContext& context) override;
  at::Tensor predict(Output const& output, Batch const& batch) override;
  void let_go(Forgotten const& forgotten, EventContext& context) override;
  void state(Archive& archive) override;
  [[nodiscard]] Prototypes const& prototypes() const { return prototypes_; }
  [[nodiscard]] Buffer const& buffer() const { return buffer_; }

 private:
  CopeOptions options_;
  Prototypes prototypes_;
  Buffer buffer_;
};

}  // namespace mneme
