// Products of per-sample gradients: if these fail, samples are taken for alike that are not.
#include "mneme/importance/gradient_products.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "mneme/learners/classifier.hpp"
#include "mneme/nets/layers.hpp"
#include "mneme/testing/toy.hpp"
#include "tests/nets/oracle.hpp"

namespace mneme {
namespace {

/// One gradient after the other, in double.
at::Tensor by_loop(Learner& learner, Batch const& batch) {
  RandomStreams streams(0);
  std::vector<at::Tensor> rows;
  for (std::int64_t i = 0; i < batch.size(); ++i) {
    rows.push_back(learner.parameters().new_row());
    learner.gradient(batch.rows(i, 1), rows.back(), streams.get("noise"));
  }
  auto const all = at::stack(rows).to(at::kDouble);
  return at::mm(all, all.t());
}

at::Tensor products(Learner& learner, Batch const& batch) {
  RandomStreams streams(0);
  return gradient_products(learner, batch, learner.parameters().new_row(), streams.get("noise"));
}

Batch toy_batch(std::int64_t n) {
  auto const data = toy::images("toy", n);
  return {data, at::arange(n), 0, {}};
}

TEST(GradientProducts, AreThoseOfTheSamplesOneByOne) {
  for (Json const& net : {Json{{"kind", "mlp"}, {"hidden", {7, 5}}}, Json{{"kind", "cnn"}}}) {
    SCOPED_TRACE(net.dump());
    auto const learner = toy::learner("classifier", {{"net", net}});
    auto const batch = toy_batch(9);
    auto const grad = learner->parameters().grad().fill_(3).clone();
    EXPECT_LT(relative_error(products(*learner, batch), by_loop(*learner, batch)), 1e-5);
    EXPECT_TRUE(at::equal(learner->parameters().grad(), grad)) << "the step's own gradient was touched";
  }
}

TEST(GradientProducts, CountOnlyTheOutputsInTheSoftmax) {
  auto const learner = toy::learner();
  auto batch = toy_batch(6);
  auto const all = products(*learner, batch);
  batch.active = at::ones({6, 4}, at::kBool);
  for (std::int64_t i = 0; i < 6; ++i) batch.active[i][(batch.y()[i].item<std::int64_t>() + 1) % 4] = false;
  EXPECT_LT(relative_error(products(*learner, batch), by_loop(*learner, batch)), 1e-5);
  EXPECT_FALSE(at::allclose(products(*learner, batch), all));
}

/// logits = head(act(square(act(square(x))))): the hidden layer is used twice.
class TwiceNet final : public Net {
 public:
  explicit TwiceNet(ParameterArena& arena)
      : square_(arena, "square", 36, 36, Activation::kRelu), head_(arena, "head", 36, 4) {}
  Output forward(at::Tensor const& x, ForwardContext const&) override {
    auto const h = square_.forward(square_.forward(x.flatten(1)));
    return {.logits = head_.forward(h), .features = h, .more = {}};
  }
  void initialise(at::Generator& g) override {
    square_.initialise(g);
    head_.initialise(g);
  }

 private:
  Linear square_, head_;
};

TEST(GradientProducts, OfALayerThatIsUsedTwiceComeFromOneSampleAtATime) {
  RandomStreams streams(1);
  Classifier learner([](ParameterArena& a) { return std::make_unique<TwiceNet>(a); }, at::kCPU, &streams.get("init"));
  auto const batch = toy_batch(7);
  EXPECT_LT(relative_error(products(learner, batch), by_loop(learner, batch)), 1e-5);
}

}  // namespace
}  // namespace mneme
