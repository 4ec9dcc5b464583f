// What every net of the registry must hold to; a new row needs no new test here. If it fails, a strategy that is right
// on another net goes wrong on this one.
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/autograd.h>
#include <torch/types.h>

#include <algorithm>
#include <cctype>

#include "mneme/core/text.hpp"
#include "mneme/importance/fisher.hpp"
#include "mneme/testing/conformance.hpp"
#include "mneme/testing/gradient_check.hpp"
#include "mneme/testing/toy.hpp"
#include "tests/io/support.hpp"
#include "tests/nets/oracle.hpp"

namespace mneme {
namespace {

class EveryNet : public ::testing::TestWithParam<std::string> {
 protected:
  [[nodiscard]] NetRow const& row() const { return find_row(net_table(), "net", GetParam()); }
  [[nodiscard]] std::unique_ptr<Learner> learner(std::uint64_t seed = 0) const {
    return toy::learner("classifier", {{"net", {{"kind", GetParam()}}}}, seed);
  }
  [[nodiscard]] Stream stream() const { return row().tokens ? toy::text_stream(2) : toy::stream(2); }
  [[nodiscard]] Dataset data() const { return stream().tasks().front()->train; }
};

/// The learner after a few steps, so that its buffers are not the initial ones.
void train(Learner& learner, Stream const& stream) {
  Trainer trainer(learner, {}, RunRecipe::toy().train, {}, 0);
  trainer.learn(*stream.tasks().front());
}

TEST_P(EveryNet, HasTheGradientOfItsLoss) {
  auto const it = learner();
  auto const set = data();
  if (it->parameters().buffers().numel() > 0) GTEST_SKIP() << "float32 differences drown: see resnet_test.cpp";
  auto const check = check_gradient(*it, {set.slice(0, 40), set.labels()}, 3);
  EXPECT_LT(check.worst, 0.05) << check.segment;
}

TEST_P(EveryNet, ImportanceEqualsOneSampleAtATime) {
  auto const it = learner();
  train(*it, stream());
  auto const set = data();
  auto& arena = it->parameters();
  auto const buffers = arena.buffers().clone();
  for (std::string const labels : {"empirical", "all"}) {
    auto choice = at::detail::createCPUGenerator(1), noise = at::detail::createCPUGenerator(2);
    auto const found = diagonal_fisher({.learner = *it,
                                        .data = set,
                                        .options = {.labels = labels, .samples = 0, .batch = 16},
                                        .choice = choice,
                                        .noise = noise});
    auto expected = at::zeros({arena.size()}, at::kDouble);
    for (std::int64_t i = 0; i < set.size(); ++i) {
      Batch const one(set.slice(i, 1), set.labels().narrow(0, i, 1));
      auto const probability = at::softmax(it->forward(one, {}, noise).logits.detach(), 1)[0];
      for (std::int64_t c = 0; c < toy::kClasses; ++c) {
        bool const own = c == set.labels()[i].item<std::int64_t>();
        double const weight = labels == "all" ? probability[c].item<double>() : own ? 1 : 0;
        if (weight == 0) continue;
        auto const row = arena.new_row();
        it->gradient({one.x, at::tensor({c}, at::kLong)}, row, noise);
        expected += row.to(at::kDouble).square() * (weight / static_cast<double>(set.size()));
      }
    }
    EXPECT_LT(relative_error(found, expected), 1e-3) << labels;
  }
  EXPECT_TRUE(at::equal(arena.buffers(), buffers));
}

TEST_P(EveryNet, ScoresASampleAlikeInEveryBatch) {
  auto const it = learner();
  train(*it, stream());
  at::NoGradGuard const no_grad;
  auto const set = data();
  auto noise = at::detail::createCPUGenerator(1);
  auto const logits = [&](at::Tensor const& x) { return it->forward(Batch(x, {}), {}, noise).logits; };
  auto const whole = logits(set.slice(0, 40));
  std::vector<at::Tensor> singly, sevens;
  for (std::int64_t i = 0; i < 40; ++i) singly.push_back(logits(set.slice(i, 1)));
  for (std::int64_t i = 0; i < 40; i += 7) sevens.push_back(logits(set.slice(i, std::min<std::int64_t>(7, 40 - i))));
  auto const order = at::randperm(40, noise, at::kLong);
  auto const shuffled = at::empty_like(whole).index_copy_(0, order, logits(set.gather(order)));
  for (auto const& other : {at::cat(singly), at::cat(sevens), shuffled}) {
    EXPECT_TRUE(at::allclose(other, whole, 1e-5, 1e-5));
    EXPECT_TRUE(at::equal(other.argmax(1), whole.argmax(1)));
  }
}

TEST_P(EveryNet, SnapshotScoresAlike) {
  auto const it = learner();
  train(*it, stream());
  auto const copy = it->snapshot();
  auto noise = at::detail::createCPUGenerator(1);
  auto const set = data();
  Batch const batch(set.slice(0, 40), set.labels());
  EXPECT_TRUE(at::equal(copy->forward(batch, {}, noise).logits, it->forward(batch, {}, noise).logits));
}

TEST_P(EveryNet, IsTheSameRunStoppedAndResumed) {
  auto recipe = RunRecipe::toy();
  recipe.learner = [this](std::uint64_t seed) { return learner(seed); };
  recipe.stream = stream();
  recipe.strategies = [](std::uint64_t seed) {
    return StrategyList({{{"kind", "ewc"}, {"samples", 6}}, {{"kind", "er"}, {"memory", 12}}}, "strategy", seed);
  };
  test::TemporaryFolder const scratch;
  auto const found = check_conformance(recipe, scratch.path());
  EXPECT_TRUE(found.empty()) << join(found, "\n");
}

std::string test_name(::testing::TestParamInfo<std::string> const& info) {
  std::string name = info.param;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
}
INSTANTIATE_TEST_SUITE_P(Registry, EveryNet, ::testing::ValuesIn(names_of(net_table())), test_name);

}  // namespace
}  // namespace mneme
