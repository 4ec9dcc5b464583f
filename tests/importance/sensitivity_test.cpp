// Sensitivity of the output: if these fail, MAS protects the wrong weights.
#include "mneme/importance/sensitivity.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "mneme/core/errors.hpp"
#include "mneme/learners/classifier.hpp"
#include "mneme/nets/mlp.hpp"
#include "mneme/testing/toy.hpp"
#include "tests/nets/oracle.hpp"

namespace mneme {
namespace {

at::Generator seeded(std::uint64_t seed) { return at::detail::createCPUGenerator(seed); }

struct Estimate {
  at::Tensor omega;
  std::vector<std::string> notes;
};

Estimate sensitivity(Learner& learner, Dataset const& data, SensitivityForm const& form, std::int64_t batch = 500,
                     std::function<void(Batch&)> activate = {}) {
  auto choice = seeded(11), noise = seeded(12);
  Estimate result;
  FisherOptions options;
  options.batch = batch;
  ImportanceRequest request{.learner = learner, .data = data, .options = options, .choice = choice, .noise = noise};
  request.note = [&](std::string const& text) { result.notes.push_back(text); };
  request.activate = std::move(activate);
  result.omega = output_sensitivity(request, form);
  return result;
}

/// f(x) = (1, -2) whatever x is: W [2, 2] is zero.
std::unique_ptr<Classifier> constant_model() {
  auto learner = std::make_unique<Classifier>(
      [](ParameterArena& arena) { return std::make_unique<Mlp>(arena, 2, Shape{}, 2); }, at::kCPU, nullptr);
  learner->parameters().value(1).copy_(at::tensor({1.0F, -2.0F}));
  return learner;
}

Dataset two() {
  return {"two", at::tensor({1.0F, -2.0F, -3.0F, 0.0F}).view({2, 2}), at::tensor({0, 1}, at::kLong), {}};
}

// Wrong: signs cancel over samples, the 2 of the square is lost, the mean is a sum, the labels are read.
TEST(Sensitivity, OnALinearModelEqualsTheHandComputedOne) {
  auto const learner = constant_model();
  // d ||f||^2 / df = (2, -4); times x: |2 x| over both samples is (2 + 6, 4 + 0) / 2, |4 x| twice that.
  auto const squared = at::tensor({4.0, 2.0, 8.0, 4.0, 2.0, 4.0}, at::kDouble);
  EXPECT_LT(relative_error(sensitivity(*learner, two(), {}).omega, squared), 1e-6);
  // d ||f|| / df = f / ||f|| = (1, -2) / sqrt(5), which is the above over 2 sqrt(5).
  auto const plain = squared / (2 * std::sqrt(5.0));
  EXPECT_LT(relative_error(sensitivity(*learner, two(), {.squared = false}).omega, plain), 1e-6);
  // The mean first: 2 (1 - 3) / 2 and 2 (-2 + 0) / 2, twice that below.
  auto const mean = at::tensor({2.0, 2.0, 4.0, 4.0, 2.0, 4.0}, at::kDouble);
  EXPECT_LT(relative_error(sensitivity(*learner, two(), {.batch_mean = true}).omega, mean), 1e-6);
}

// Wrong: weights of outputs of other tasks are held, or the norm is infinite.
TEST(Sensitivity, LeavesOutTheOutputsThatTakeNoPart) {
  auto const learner = constant_model();
  auto const second = [](Batch& batch) { batch.active = at::tensor({0, 1}).to(at::kBool); };
  auto const expected = at::tensor({0.0, 0.0, 8.0, 4.0, 0.0, 4.0}, at::kDouble);
  EXPECT_LT(relative_error(sensitivity(*learner, two(), {}, 500, second).omega, expected), 1e-6);
}

// Wrong: a mask that ends at the last class that any task has named yet ends the run, or leaves the others in.
TEST(Sensitivity, OutputsThatNoTaskNamedYetTakeNoPart) {
  auto const learner = constant_model();
  auto const first = [](Batch& batch) { batch.active = at::tensor({1}).to(at::kBool); };
  auto const expected = at::tensor({4.0, 2.0, 0.0, 0.0, 2.0, 0.0}, at::kDouble);
  EXPECT_LT(relative_error(sensitivity(*learner, two(), {}, 500, first).omega, expected), 1e-6);
}

/// The definition, from a float64 oracle one sample (or batch) at a time.
at::Tensor loop(Oracle const& o, at::Tensor const& x, SensitivityForm const& form, std::int64_t batch) {
  auto const n = x.size(0);
  auto const size = form.batch_mean ? batch : 1;
  at::Tensor total;
  for (std::int64_t first = 0; first < n; first += size) {
    auto const count = std::min(size, n - first);
    auto norms = o.logits(x.narrow(0, first, count)).square().sum(1);
    if (!form.squared) norms = norms.sqrt();
    auto const part = o.gradient(norms.mean()).abs() * static_cast<double>(count);
    total = total.defined() ? total + part : part;
  }
  return total / static_cast<double>(n);
}

// Wrong: the products of a layer are not those of its per-sample gradients, or a short last batch counts as a whole
// one.
TEST(Sensitivity, OfEveryFormEqualsAFloat64Loop) {
  auto const data = toy::images("toy-0", 30);
  for (Json const& net : {Json{{"kind", "mlp"}, {"hidden", {7, 5}}},
                          Json{{"kind", "cnn"}, {"channels1", 2}, {"channels2", 3}, {"hidden", 5}}})
    for (bool const squared : {true, false})
      for (bool const batch_mean : {false, true}) {
        SCOPED_TRACE(net.dump() + (squared ? " squared" : " plain") + (batch_mean ? ", batch mean" : ""));
        auto const learner = toy::learner("classifier", {{"net", net}});
        SensitivityForm const form{.squared = squared, .batch_mean = batch_mean};
        auto const found = sensitivity(*learner, data, form, 8);  // the last batch is short
        auto const x = data.slice(0, 30);
        EXPECT_LT(relative_error(found.omega, loop(Oracle(learner->parameters()), x, form, 8)), 1e-4);
        EXPECT_TRUE(found.notes.empty()) << "the fast path was not taken";
      }
}

/// Linear over a leaf, in plain torch operations.
class LeafNet final : public Net {
 public:
  explicit LeafNet(ParameterArena& arena) : arena_(arena), weight_(arena.add("w", {4, 36})) {}
  Output forward(at::Tensor const& x, ForwardContext const&) override {
    return {.logits = at::linear(x.flatten(1), arena_.leaf(weight_)), .features = x, .more = {}};
  }
  void initialise(at::Generator& g) override {
    at::NoGradGuard const no_grad;
    arena_.value(weight_).normal_(0, 0.3, g);
  }

 private:
  ParameterArena& arena_;
  int weight_;
};

// Wrong: where one sample is taken at a time, squares are summed instead of absolute values.
TEST(Sensitivity, FallsBackToOneSampleAtATimeWithTheSameNumbers) {
  auto init = seeded(1);
  Classifier learner([](ParameterArena& a) { return std::make_unique<LeafNet>(a); }, at::kCPU, &init);
  auto const data = toy::images("toy-0", 12);
  auto const found = sensitivity(learner, data, {}, 5);
  ASSERT_EQ(found.notes.size(), 1U) << "a fallback is said once";
  Oracle const o(learner.parameters());
  auto expected = at::zeros({learner.parameters().size()}, at::kDouble);
  for (std::int64_t i = 0; i < 12; ++i) {
    auto const f = at::linear(data.slice(i, 1).to(at::kDouble).flatten(1), o.named.at("w"));
    expected += o.gradient(f.square().sum()).abs() / 12;
  }
  EXPECT_LT(relative_error(found.omega, expected), 1e-4);
}

TEST(Sensitivity, LeavesParametersAndGradientAsTheyWere) {
  auto const learner = toy::learner();
  auto& arena = learner->parameters();
  arena.grad().fill_(0.5);
  auto const value = arena.value().clone();
  for (bool const batch_mean : {false, true})
    static_cast<void>(sensitivity(*learner, toy::images("toy-0", 12), {.batch_mean = batch_mean}));
  EXPECT_TRUE(at::equal(arena.value(), value));
  EXPECT_TRUE(at::equal(arena.grad(), at::full_like(arena.grad(), 0.5)));
}

TEST(Sensitivity, SaysThatTheModelHasDiverged) {
  auto const learner = toy::learner();
  learner->parameters().value().fill_(std::nanf(""));
  EXPECT_THROW(static_cast<void>(sensitivity(*learner, toy::images("toy-0", 12), {})), NumericError);
}

}  // namespace
}  // namespace mneme
