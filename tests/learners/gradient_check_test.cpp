// The shipped gradient check: if these fail, it lets a wrong layer pass.
#include "mneme/testing/gradient_check.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "mneme/testing/toy.hpp"

namespace mneme {
namespace {

/// A classifier whose head's bias has a gradient `factor` times too long.
class Wrong final : public Learner {
 public:
  explicit Wrong(double factor) : Learner(at::kCPU), factor_(factor) {
    parameters().add("w", {4, 36});
    parameters().add("b", {4});
    parameters().allocate();
  }
  [[nodiscard]] std::string kind() const override { return "classifier"; }
  Output forward(Batch const& batch, ForwardContext const&, at::Generator&) override {
    auto const& b = parameters().leaf(1);
    auto const bias = b * factor_ + b.detach() * (1 - factor_);  // the value of b, the gradient of factor b
    auto const logits = at::linear(batch.x.flatten(1), parameters().leaf(0), bias);
    return {.logits = logits, .features = logits, .more = {}};
  }
  at::Tensor per_sample_loss(Batch const& batch, Output const& output) override {
    return at::cross_entropy_loss(output.logits, batch.y(), {}, at::Reduction::None);
  }
  [[nodiscard]] std::span<Metric const> metrics() const override { return {}; }
  at::Tensor measure(Batch const&, Output const&) override { return {}; }
  [[nodiscard]] std::unique_ptr<Learner> snapshot() const override { return std::make_unique<Wrong>(factor_); }

 private:
  double factor_;
};

GradientCheck check(double factor) {
  auto const data = toy::images("toy-0", 10);
  Wrong learner(factor);
  return check_gradient(learner, {data.slice(0, 10), data.labels()});
}

TEST(GradientCheck, PassesARightGradientAndNamesAWrongOne) {
  EXPECT_LT(check(1).worst, 0.01);
  auto const wrong = check(1.2);
  EXPECT_GT(wrong.worst, 0.15);
  EXPECT_EQ(wrong.segment, "b");
}

TEST(GradientCheck, PutsTheParametersBack) {
  auto const learner = toy::learner();
  auto const before = learner->parameters().value().clone();
  auto const data = toy::images("toy-0", 10);
  static_cast<void>(check_gradient(*learner, {data.slice(0, 10), data.labels()}));
  EXPECT_TRUE(at::equal(learner->parameters().value(), before));
}

}  // namespace
}  // namespace mneme
