// FeTrIL: if these fail, pseudo-features stand at the wrong place, are made of the wrong class, or the output layer is
// trained on something else.
#include "mneme/strategies/fetril.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "tests/nets/oracle.hpp"
#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

using test::listed;
using test::Rig;

at::Tensor labels_of(std::vector<std::int64_t> const& labels) { return at::tensor(labels, at::kLong); }

/// One sample for each class, at its mean.
ClassMeans at_means(std::vector<float> const& xy, std::vector<std::int64_t> const& labels) {
  ClassMeans means;
  means.add(at::tensor(xy).view({-1, 2}), labels_of(labels), 5);
  return means;
}

TEST(Fetril, ChoosesTheNewClassByTheAngleOrTheDistanceOfTheMeans) {
  auto const old = at_means({1, 0, 0, 4}, {0, 1});
  auto const now = at_means({9, 1, 0, 1, 2, 2}, {2, 3, 4});
  // By angle, class 0 on the x axis is nearest to (9, 1) and class 1 on the y axis to (0, 1).
  EXPECT_TRUE(at::equal(nearest_new_class(old, now, "cosine"), labels_of({2, 3, -1, -1, -1})));
  // By distance class 0 is nearest to (0, 1), squared 2, and class 1 to (2, 2), squared 8.
  EXPECT_TRUE(at::equal(nearest_new_class(old, now, "distance"), labels_of({3, 4, -1, -1, -1})));
}

// Wrong: a stray sample of an old class beside new ones makes it new, and it is represented by that sample alone.
TEST(Fetril, AClassThatComesAgainIsOldBesideNewOnesAndNewWhereThereAreNone) {
  auto const old = at_means({1, 0, 0, 1}, {0, 1});
  EXPECT_TRUE(
      at::equal(nearest_new_class(old, at_means({1, 0, 1, 1}, {0, 2}), "cosine"), labels_of({2, 2, -1, -1, -1})));
  EXPECT_TRUE(at::equal(nearest_new_class(old, at_means({1, 0}, {0}), "cosine"), labels_of({-1, 0, -1, -1, -1})));
}

TEST(Fetril, MovesFeaturesOfTheNewClassToTheOldMean) {
  auto const features = at::tensor({1.0F, 2.0F, 3.0F, 4.0F, 5.0F, 6.0F}).view({3, 2});
  auto const shift = at::tensor({10.0F, 0.0F, 0.0F, 20.0F, 0.0F, 0.0F, 0.0F, 0.0F}).view({4, 2});
  // Classes 0 and 1 are old, both nearest to class 2; class 3 is new and stands in for none.
  auto const both = with_pseudo_features({features, labels_of({2, 3, 2})}, labels_of({2, 2, -1, -1}), shift);
  EXPECT_TRUE(at::equal(both.labels, labels_of({2, 3, 2, 0, 1, 0, 1})));
  EXPECT_TRUE(at::equal(both.features, at::tensor({1.0F, 2.0F, 3.0F, 4.0F, 5.0F, 6.0F, 11.0F, 2.0F, 1.0F, 22.0F, 15.0F,
                                                   6.0F, 5.0F, 26.0F})
                                           .view({7, 2})))
      << both.features;
}

/// Features of all samples of a class, and the output layer's parameters, read from the learner.
struct Reader {
  Rig& rig;
  at::Tensor features(Dataset const& data, std::int64_t label) {
    auto noise = at::detail::createCPUGenerator(0);
    Batch const batch(data, data.labels().eq(label).nonzero().squeeze(1), 0, {});
    return rig.learner->forward(batch, {.training = false, .gates = nullptr}, noise).features;
  }
};

/// The gradient of a step against the equation, written out class by class.
TEST(Fetril, TrainsTheOutputLayerOnRealAndPseudoFeatures) {
  auto list = listed("fetril");
  auto probe = std::make_unique<test::Scripted>();
  auto const stream = toy::split_stream(false);
  auto const& first = *stream.tasks()[0];
  auto const& second = *stream.tasks()[1];
  Rig* rig = nullptr;
  int steps = 0;
  probe->on_observe = [&](StepContext& c) {
    if (c.first()) return;
    ++steps;
    Reader reader{*rig};
    std::vector<at::Tensor> means;  // of classes 0 to 3
    for (std::int64_t label = 0; label < 4; ++label)
      means.push_back(reader.features(label < 2 ? first.train : second.train, label).to(at::kDouble).mean(0));
    auto const f = c.output->features.detach().to(at::kDouble);
    std::vector<at::Tensor> rows;
    std::vector<std::int64_t> labels;
    for (std::int64_t i = 0; i < f.size(0); ++i) {
      auto const y = c.batch.y()[i].item<std::int64_t>();
      rows.push_back(f[i]);
      labels.push_back(y);
      for (std::int64_t old = 0; old < 2; ++old) {
        auto const cosine = [&](std::int64_t n) {
          return (means[old].dot(means[n]) / means[old].norm() / means[n].norm()).item<double>();
        };
        if (y != (cosine(2) >= cosine(3) ? 2 : 3)) continue;
        rows.push_back(f[i] - means[y] + means[old]);
        labels.push_back(old);
      }
    }
    EXPECT_GT(rows.size(), static_cast<std::size_t>(f.size(0)));
    auto& arena = c.parameters();
    int const weight = arena.find("head.weight"), bias = arena.find("head.bias");
    auto const w = arena.value(weight).to(at::kDouble).detach().clone().requires_grad_();
    auto const b = arena.value(bias).to(at::kDouble).detach().clone().requires_grad_();
    at::AutoGradMode const grad(true);
    auto const y = labels_of(labels);
    at::nll_loss(at::log_softmax(at::linear(at::stack(rows), w, b), 1), y).backward();
    auto const of = [&](int id) {
      auto const& s = arena.segments()[static_cast<std::size_t>(id)];
      return arena.grad().narrow(0, s.offset, s.size).view(s.shape);
    };
    EXPECT_LT(relative_error(of(weight), w.grad()), 1e-4);
    EXPECT_LT(relative_error(of(bias), b.grad()), 1e-4);
  };
  list.add("probe", std::move(probe), 0);
  Rig own(std::move(list));
  rig = &own;
  own.trainer.run(stream);
  EXPECT_EQ(steps, 10);
}

TEST(Fetril, MeansAreThoseOfEveryClassSeen) {
  Rig rig(listed("fetril"));
  auto const stream = toy::split_stream(false);
  rig.trainer.run(stream);
  auto const& fetril = dynamic_cast<Fetril const&>(*rig.trainer.strategies().members()[0].strategy);
  EXPECT_TRUE(at::equal(fetril.means().count(), at::full({4}, 20.0, at::kDouble)));
  Reader reader{rig};
  for (std::int64_t label = 0; label < 4; ++label)
    EXPECT_LT(relative_error(fetril.means().mean()[label],
                             reader.features(stream.tasks()[label < 2 ? 0 : 1]->train, label).mean(0)),
              1e-5);
}

TEST(Fetril, KeepsTheFirstTaskWhereTheFrozenBackboneForgetsIt) {
  auto options = RunRecipe::toy().train;
  options.epochs = 20;
  auto const first_task = [&](char const* name) {
    Rig rig(listed(name), options);
    rig.trainer.run(toy::split_stream(false));
    return rig.trainer.matrix().values.back().front().value_or(0);
  };
  EXPECT_GT(first_task("fetril"), first_task("frozen-backbone") + 0.3);
}

}  // namespace
}  // namespace mneme
