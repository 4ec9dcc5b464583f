// FROMP: if these fail, the probabilities at the memorable points are held to other values, or weighed by another
// kernel, than the equation says. The net, its Jacobians, kernels and gradients are computed a second time here,
// densely, in double, with torch's own autograd.
#include "mneme/strategies/fromp.hpp"

#include <gtest/gtest.h>
#include <torch/autograd.h>
#include <torch/types.h>

#include <algorithm>

#include "tests/nets/oracle.hpp"
#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

using test::hash_of;
using test::listed;

constexpr double kTau = 3, kPrior = 0.5, kJitter = 0.01;

Json fromp(Json more = Json::object()) {
  Json options = {{"kind", "fromp"},           {"tau", kTau},       {"points", 8},
                  {"prior_precision", kPrior}, {"jitter", kJitter}, {"batch", 20}};
  options.update(more);
  return options;
}

/// The toy net (one hidden layer) in double.
class Dense {
 public:
  explicit Dense(ParameterArena const& arena) : size_(arena.size()) {
    for (auto const& segment : arena.segments()) {
      offsets_.push_back(segment.offset);
      leaves_.push_back(arena.value(arena.find(segment.name)).to(at::kDouble).clone().requires_grad_());
    }
  }
  [[nodiscard]] at::Tensor log_p(at::Tensor const& x, at::Tensor const& classes) const {
    auto const h = at::relu(x.flatten(1).to(at::kDouble).matmul(leaves_[0].t()) + leaves_[1]);
    return (h.matmul(leaves_[2].t()) + leaves_[3]).index_select(1, classes).log_softmax(1);
  }
  [[nodiscard]] at::Tensor gradient(at::Tensor const& scalar) const {
    auto row = at::zeros({size_}, at::kDouble);
    auto const parts = torch::autograd::grad({scalar}, leaves_, {}, true);
    for (std::size_t i = 0; i < parts.size(); ++i)
      row.narrow(0, offsets_[i], parts[i].numel()).copy_(parts[i].flatten());
    return row;
  }

 private:
  std::int64_t size_;
  std::vector<std::int64_t> offsets_;
  std::vector<at::Tensor> leaves_;
};

/// What the equation says of a run, kept beside it.
class Reference {
 public:
  explicit Reference(bool own_heads) : own_heads_(own_heads) {}

  void end(EventContext const& c) {
    at::AutoGradMode const grad(true);
    Dense const net(c.parameters());
    auto const& task = std::get<Task>(c.event);
    auto const classes = outputs(task);
    auto const x = Dataset::to_input(c.data.data());
    auto const log_p = net.log_p(x, classes);
    auto const p = log_p.detach().exp();
    if (!fisher_.defined()) fisher_ = at::zeros({c.parameters().size()}, at::kDouble);
    for (std::int64_t n = 0; n < x.size(0); ++n)
      for (std::int64_t k = 0; k < classes.size(0); ++k) fisher_ += p[n][k] * net.gradient(log_p[n][k]).square();
    tasks_.push_back({.classes = classes, .x = largest(c.data, (p * (1 - p)).sum(1), task.classes)});
  }

  void begin(EventContext const& c) {
    at::AutoGradMode const grad(true);
    Dense const net(c.parameters());
    for (auto& task : tasks_) {
      auto const p = net.log_p(task.x, task.classes).exp();
      task.old = p.detach();
      task.kernels.clear();
      for (std::int64_t k = 0; k < p.size(1); ++k) {
        std::vector<at::Tensor> rows;
        for (std::int64_t n = 0; n < p.size(0); ++n) rows.push_back(net.gradient(p[n][k]));
        auto const j = at::stack(rows);
        task.kernels.push_back(j.matmul(at::diag(1 / (fisher_ + kPrior))).matmul(j.t()) +
                               kJitter * at::eye(p.size(0), at::kDouble));
      }
    }
  }

  void step(StepContext& c, double logged) const {
    at::AutoGradMode const grad(true);
    Dense const net(c.parameters());
    auto total = at::zeros({}, at::kDouble);
    for (auto const& task : tasks_) {
      auto const d = net.log_p(task.x, task.classes).exp() - task.old;
      for (std::size_t k = 0; k < task.kernels.size(); ++k) {
        auto const one = d.select(1, static_cast<std::int64_t>(k));
        total = total + kTau / 2 * one.dot(at::linalg_solve(task.kernels[k], one));
      }
    }
    auto const value = total.item<double>();
    EXPECT_NEAR(logged, value, 1e-3 * value + 1e-7);
    auto const classes = outputs(std::get<Task>(c.event));
    auto const labels = own_heads_ ? c.batch.y() - classes[0] : c.batch.y();
    auto const loss = at::nll_loss(net.log_p(c.batch.x, classes), labels);
    EXPECT_LT(relative_error(c.parameters().grad().to(at::kDouble), net.gradient(loss + total)), 1e-3);
    largest_ = std::max(largest_, value);
  }

  [[nodiscard]] at::Tensor points() const {
    std::vector<at::Tensor> all;
    for (auto const& task : tasks_) all.push_back(task.x);
    return at::cat(all);
  }
  [[nodiscard]] double largest_value() const { return largest_; }

 private:
  struct Old {
    at::Tensor classes, x, old = {};
    std::vector<at::Tensor> kernels = {};
  };
  [[nodiscard]] at::Tensor outputs(Task const& task) const {
    return own_heads_ ? at::tensor(task.classes) : at::arange(toy::kClasses);
  }
  static at::Tensor largest(Dataset const& data, at::Tensor const& lambda, std::vector<std::int64_t> const& classes) {
    std::vector<std::int64_t> chosen;
    for (auto const c : classes) {
      std::vector<std::pair<double, std::int64_t>> ranked;
      for (std::int64_t n = 0; n < data.size(); ++n)
        if (data.labels()[n].item<std::int64_t>() == c) ranked.emplace_back(-lambda[n].item<double>(), n);
      std::sort(ranked.begin(), ranked.end());
      for (std::size_t i = 0; i < 8 / classes.size(); ++i) chosen.push_back(ranked[i].second);
    }
    return data.gather(at::tensor(chosen));
  }

  bool own_heads_;
  at::Tensor fisher_;
  std::vector<Old> tasks_;
  mutable double largest_ = 0;
};

void follow(Stream const& stream) {
  Reference reference(stream.visibility.task_at_test);
  auto list = listed(fromp());
  auto* member = list.members()[0].strategy.get();
  auto const& strategy = dynamic_cast<Fromp const&>(*member);
  auto probe = std::make_unique<test::Scripted>();
  int steps = 0;
  probe->on_end = [&](EventContext& c) {
    reference.end(c);
    EXPECT_TRUE(at::equal(Dataset::to_input(strategy.points().data), reference.points()));
  };
  probe->on_begin = [&](EventContext& c) { reference.begin(c); };
  probe->on_observe = [&](StepContext& c) {
    auto const terms = member->terms(c);
    EXPECT_EQ(terms.empty(), c.first());
    reference.step(c, c.first() ? 0 : terms.at("fromp").item<double>());
    ++steps;
  };
  list.add("probe", std::move(probe), 0);
  test::Rig rig(std::move(list));
  rig.trainer.run(stream);
  EXPECT_EQ(steps, static_cast<int>(stream.events.size()) * 10);
  EXPECT_GT(reference.largest_value(), 1e-4) << "nothing was compared";
}

// Wrong: the points, the Fisher or its sum over tasks, the Jacobians, a kernel or its inverse, the old probabilities.
TEST(Fromp, IsTheDenseComputation) { follow(toy::stream(3)); }
// Wrong: the outputs of other heads take part.
TEST(Fromp, IsTheDenseComputationWhereTasksHaveTheirOwnHeads) { follow(toy::split_stream(true, 40)); }

TEST(Fromp, TakesRandomPointsWhereAsked) {
  auto const points = [](Json const& more, std::uint64_t seed) {
    test::Rig rig(listed(fromp(more), seed));
    rig.trainer.run(toy::stream(1));
    return dynamic_cast<Fromp const&>(*rig.trainer.strategies().members()[0].strategy).points();
  };
  auto const one = points({{"select", "random"}}, 0), other = points({{"select", "random"}}, 1);
  EXPECT_FALSE(at::equal(one.data, other.data)) << "the strategy's stream is not drawn from";
  EXPECT_TRUE(at::equal(one.labels, at::arange(4).repeat_interleave(2))) << "two of each class";
  EXPECT_TRUE(at::equal(points(Json::object(), 0).data, points(Json::object(), 1).data)) << "the largest need no draw";
}

TEST(Fromp, HoldsNothingBetweenTasksButPointsAndFisher) {
  auto list = listed(fromp());
  auto const& strategy = dynamic_cast<Fromp const&>(*list.members()[0].strategy);
  auto probe = std::make_unique<test::Scripted>();
  probe->on_observe = [&](StepContext& c) { EXPECT_EQ(strategy.anchors().size(), static_cast<std::size_t>(c.index)); };
  probe->on_end = [&](EventContext& c) {
    EXPECT_TRUE(strategy.anchors().empty());
    EXPECT_EQ(strategy.points().size(), 8 * (c.index + 1));
  };
  list.add("probe", std::move(probe), 0);
  test::Rig rig(std::move(list));
  rig.trainer.run(toy::stream(3));
}

TEST(Fromp, RefusesFewerPointsThanClasses) {
  test::Rig rig(listed(fromp({{"points", 3}})));
  auto const message = message_of<ConfigError>([&] { rig.trainer.run(toy::stream(1)); });
  EXPECT_NE(message.find("points"), std::string::npos) << message;
}

TEST(Fromp, WithTauZeroIsNaiveBitForBitAndOtherwiseIsNot) {
  EXPECT_EQ(hash_of(listed(fromp({{"tau", 0.0}}))), hash_of(listed("naive")));
  EXPECT_NE(hash_of(listed(fromp())), hash_of(listed("naive")));
}

// Wrong: a task that a program makes by hand, without its list of classes, is not kept.
TEST(Fromp, TakesTheClassesFromTheDataWhereATaskDoesNotSay) {
  auto const hash = [](bool say) {
    auto stream = toy::stream(2);
    if (!say)
      for (auto& event : stream.events) std::get<Task>(event).classes.clear();
    test::Rig rig(listed(fromp()));
    rig.trainer.run(stream);
    return rig.trainer.training_hash();
  };
  EXPECT_EQ(hash(false), hash(true));
}

}  // namespace
}  // namespace mneme
