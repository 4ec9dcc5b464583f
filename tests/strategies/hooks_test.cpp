// What the trainer gives a strategy: if these fail, a method written against the interface does something else than it
// says, although its own code is right.
#include <gtest/gtest.h>

#include <cmath>

#include "mneme/core/text.hpp"
#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

using test::only;
using test::Rig;
using test::Scripted;

TEST(Hooks, RunInTheStatedOrderForAllMembersBeforeTheNext) {
  std::vector<std::string> calls;
  auto const logging = [&](std::string const& name) {
    auto s = std::make_unique<Scripted>();
    auto const note = [&calls, name](std::string const& hook) { calls.push_back(hook + "." + name); };
    s->on_begin = [=](EventContext&) { note("begin_event"); };
    s->on_end = [=](EventContext&) { note("end_event"); };
    s->on_begin_stage = [=](StageContext&) { note("begin_stage"); };
    s->on_end_stage = [=](StageContext&) { note("end_stage"); };
    s->on_compose = [=](Batch batch, StepContext&) {
      note("compose");
      return batch;
    };
    s->on_objective = [=](StepContext&) {
      note("objective");
      return std::optional<at::Tensor>();
    };
    s->on_penalty = [=](StepContext&) {
      note("penalty");
      return std::optional<at::Tensor>();
    };
    s->on_observe = [=](StepContext&) { note("observe"); };
    s->on_add = [=](StepContext&) { note("add"); };
    s->on_project = [=](StepContext&) { note("project"); };
    s->on_own_step = [=](StepContext&) {
      note("own_step");
      return std::optional<at::Tensor>();
    };
    s->on_after_step = [=](StepContext&) { note("after_step"); };
    s->on_before_evaluation = [=](EventContext&) {
      note("before_evaluation");
      return std::vector<Stage>();
    };
    return s;
  };
  StrategyList list;
  list.add("a", logging("a"), 0);
  list.add("b", logging("b"), 0);
  auto options = RunRecipe::toy().train;
  options.epochs = 1;
  options.batch = 20;  // two steps
  Rig rig(std::move(list), options);
  rig.trainer.run(toy::stream(1));

  std::vector<std::string> expected;
  auto const both = [&](std::string const& hook) {
    for (auto const* name : {".a", ".b"}) expected.push_back(hook + name);
  };
  both("before_evaluation");  // the row before training
  both("begin_event");
  both("begin_stage");
  for (int step = 0; step < 2; ++step)
    for (auto const* hook : {"compose", "objective", "penalty", "observe", "add", "project", "own_step", "after_step"})
      both(hook);
  both("end_stage");
  both("end_event");
  both("before_evaluation");
  EXPECT_EQ(join(calls), join(expected));
}

TEST(Hooks, ObjectiveReplacesTheLossAndPenaltyAddsToItThroughTheOutputs) {
  // objective 0 * logits leaves the penalty (1/2) |logits|^2 as the only source of gradient.
  auto s = std::make_unique<Scripted>();
  s->declared.replaces_objective = true;
  s->on_objective = [](StepContext& c) { return c.output->logits.sum() * 0; };
  s->on_penalty = [](StepContext& c) { return c.output->logits.square().sum() / 2; };
  at::Tensor logits;
  s->on_observe = [&](StepContext& c) {
    auto const& head = c.parameters().grad().narrow(0, c.parameters().segments().back().offset, 4);
    logits = c.output->logits.detach().sum(0);
    EXPECT_TRUE(at::allclose(head, logits, 1e-4, 1e-5)) << "d penalty / d bias is the sum of the logits";
  };
  Rig rig(only(std::move(s)));
  rig.trainer.run(toy::stream(1));
  EXPECT_TRUE(logits.defined());
}

TEST(Hooks, ProjectionHasTheLastWordBeforeTheOptimizer) {
  auto s = std::make_unique<Scripted>();
  s->declared.projects = true;
  s->on_add = [](StepContext& c) { c.parameters().grad().add_(1); };
  s->on_project = [](StepContext& c) { c.parameters().grad().zero_(); };
  Rig rig(only(std::move(s)));
  auto const before = rig.theta().clone();
  rig.trainer.run(toy::stream(1));
  EXPECT_TRUE(at::equal(rig.theta(), before));
}

TEST(Hooks, ClippingBoundsTheNormAfterProjection) {
  auto s = std::make_unique<Scripted>();
  s->on_project = [](StepContext& c) { c.parameters().grad().fill_(3); };
  auto options = RunRecipe::toy().train;
  options.optimizer.optimizer = "sgd";
  options.optimizer.learning_rate = 1;
  options.clip_norm = 0.5;
  options.epochs = 1;
  options.batch = 40;  // one step
  Rig rig(only(std::move(s)), options);
  auto const before = rig.theta().clone();
  rig.trainer.run(toy::stream(1));
  EXPECT_NEAR((rig.theta() - before).norm().item<double>(), 0.5, 1e-4);
}

// ------------------------------------------------------------------------------------------------------------- stages

OptimizerOptions rule(std::string const& name) {
  OptimizerOptions o{.optimizer = name, .learning_rate = 0.05};
  if (name == "sgd") o.momentum = 0.9;
  o.weight_decay = 0.1;
  return o;
}

TEST(Stages, FrozenSegmentsStayBitEqualUnderEveryOptimizer) {
  for (auto const* name : {"sgd", "adam", "adamw"}) {
    SCOPED_TRACE(name);
    auto options = RunRecipe::toy().train;
    options.optimizer = rule(name);
    std::vector<std::string> seen;
    at::Tensor at_second;
    auto s = std::make_unique<Scripted>();
    auto* hooks = s.get();
    Rig rig(only(std::move(s)), options);
    auto const head = std::vector<int>{rig.segment("head.weight"), rig.segment("head.bias")};
    auto const other = toy::images("elsewhere", 12);
    hooks->declared.stages = true;
    hooks->on_stages = [&](EventContext&) {
      return std::vector<Stage>{{.name = "train"},
                                {.name = "head", .data = other, .epochs = 3, .lr_scale = 0.5, .trainable = head}};
    };
    hooks->on_begin_stage = [&](StageContext& c) {
      if (c.stage.name == "head") at_second = c.parameters().value().clone();
    };
    hooks->on_after_step = [&](StepContext& c) {
      seen.push_back(c.stage.name + " " + std::to_string(c.source->size()));
    };
    rig.trainer.run(toy::stream(1));
    // 2 epochs of 40 / 8 and 3 epochs of 12 / 8 (rounded up) steps.
    EXPECT_EQ(std::count(seen.begin(), seen.end(), "train 40"), 10);
    EXPECT_EQ(std::count(seen.begin(), seen.end(), "head 12"), 6);
    auto const offset = rig.learner->parameters().segments()[static_cast<std::size_t>(head[0])].offset;
    EXPECT_TRUE(at::equal(rig.theta().narrow(0, 0, offset), at_second.narrow(0, 0, offset))) << "frozen weights moved";
    EXPECT_FALSE(at::equal(rig.theta(), at_second)) << "the head was not trained";
  }
}

TEST(Stages, ThatDoNotOptimiseLeaveTheWeightsAndStepsAreCounted) {
  auto s = std::make_unique<Scripted>();
  int steps = 0;
  s->on_stages = [](EventContext&) { return std::vector<Stage>{{.name = "look", .steps = 7, .optimise = false}}; };
  s->on_after_step = [&](StepContext&) { ++steps; };
  Rig rig(only(std::move(s)));
  auto const before = rig.theta().clone();
  rig.trainer.run(toy::stream(1));
  EXPECT_EQ(steps, 7);
  EXPECT_TRUE(at::equal(rig.theta(), before));
}

TEST(Stages, FreshOptimizerForgetsMoments) {
  // SGD with momentum on a zero gradient moves only by what the buffer still holds.
  for (bool const fresh : {false, true}) {
    auto options = RunRecipe::toy().train;
    options.optimizer = {.optimizer = "sgd", .learning_rate = 0.05, .momentum = 0.9};
    auto s = std::make_unique<Scripted>();
    at::Tensor start;
    s->on_stages = [=](EventContext&) {
      return std::vector<Stage>{{.name = "train"}, {.name = "still", .steps = 1, .fresh_optimizer = fresh}};
    };
    s->on_begin_stage = [&](StageContext& c) { start = c.parameters().value().clone(); };
    s->on_project = [](StepContext& c) {
      if (c.stage.name == "still") c.parameters().grad().zero_();
    };
    Rig rig(only(std::move(s)), options);
    rig.trainer.run(toy::stream(1));
    EXPECT_EQ(at::equal(rig.theta(), start), fresh);
  }
}

TEST(Stages, OfAPhaseThatTheyFreezeWhollyTrainNothing) {
  /// A classifier whose two phases own the body and the head.
  class TwoPhases final : public Learner {
   public:
    TwoPhases() : Learner(at::kCPU), inner_(toy::learner()) {
      for (auto const& s : inner_->parameters().segments()) parameters().add(s.name, s.shape);
      parameters().allocate();
      phases_ = {{.name = "body", .segments = {0, 1}}, {.name = "head", .segments = {2, 3}}};
    }
    std::string kind() const override { return "classifier"; }
    std::span<Phase const> phases() const override { return phases_; }
    Output forward(Batch const& batch, ForwardContext const&, at::Generator&) override {
      auto& a = parameters();
      auto const h = at::linear(batch.x.flatten(1), a.leaf(0), a.leaf(1)).relu();
      return {.logits = at::linear(h, a.leaf(2), a.leaf(3)), .features = h, .more = {}};
    }
    at::Tensor per_sample_loss(Batch const& batch, Output const& output) override {
      return inner_->per_sample_loss(batch, output);
    }
    std::span<Metric const> metrics() const override { return inner_->metrics(); }
    at::Tensor measure(Batch const& batch, Output const& output) override { return inner_->measure(batch, output); }
    std::unique_ptr<Learner> snapshot() const override { return std::make_unique<TwoPhases>(); }

   private:
    std::unique_ptr<Learner> inner_;
    std::vector<Phase> phases_;
  };
  TwoPhases learner;
  learner.parameters().value().fill_(0.1);
  auto const before = learner.parameters().value().clone();
  auto s = std::make_unique<Scripted>();
  s->on_stages = [](EventContext&) { return std::vector<Stage>{{.name = "head", .trainable = {2, 3}}}; };
  Trainer trainer(learner, only(std::move(s)), RunRecipe::toy().train, {}, 0);
  trainer.run(toy::stream(1));
  auto const body = learner.parameters().segments()[2].offset;
  EXPECT_TRUE(at::equal(learner.parameters().value().narrow(0, 0, body), before.narrow(0, 0, body)))
      << "the phase of the body has nothing to train in this stage";
  EXPECT_FALSE(at::equal(learner.parameters().value(), before));
}

// -------------------------------------------------------------------------------------- auxiliaries, evaluation, heads

TEST(Auxiliaries, AreTrainedInTheSameSteps) {
  auto const generator = toy::learner("vae");
  auto const before = generator->parameters().value().clone();
  auto s = std::make_unique<Scripted>();
  s->on_auxiliaries = [&] { return std::vector<Auxiliary>{{.name = "generator", .learner = generator.get()}}; };
  auto const elbo = [&] {
    at::NoGradGuard const no_grad;
    auto const data = toy::images("toy-0", 20, 1);
    Batch const batch(data.slice(0, 20), data.labels());
    auto noise = RandomStreams(0).fresh("noise");
    return generator->measure(batch, generator->forward(batch, {}, noise))[0].item<double>() / 20;
  };
  double const untrained = elbo();
  auto options = RunRecipe::toy().train;
  options.epochs = 8;
  Rig rig(only(std::move(s)), options);
  rig.trainer.run(toy::stream(1));
  EXPECT_LT(elbo(), untrained - 0.5) << "the generator learnt nothing";

  EXPECT_EQ(rig.trainer.training_hash(), test::hash_of({}, options, 1)) << "an auxiliary shifted the learner's numbers";
}

TEST(Auxiliaries, StayAsTheyAreInAStageThatTrainsNothing) {
  auto const generator = toy::learner("vae");
  auto const before = generator->parameters().value().clone();
  auto s = std::make_unique<Scripted>();
  s->on_auxiliaries = [&] { return std::vector<Auxiliary>{{.name = "generator", .learner = generator.get()}}; };
  s->on_stages = [](EventContext&) { return std::vector<Stage>{{.name = "look", .epochs = 1, .optimise = false}}; };
  Rig rig(only(std::move(s)));
  rig.trainer.run(toy::stream(1));
  EXPECT_TRUE(at::equal(generator->parameters().value(), before));
}

TEST(BeforeEvaluation, TrainsAThrowAwayCopy) {
  auto s = std::make_unique<Scripted>();
  auto const memory = toy::images("toy-0", 40);
  s->on_before_evaluation = [=](EventContext&) {
    return std::vector<Stage>{{.name = "review", .data = memory, .epochs = 30}};
  };
  auto options = RunRecipe::toy().train;
  options.optimizer.learning_rate = 1e-9;
  options.epochs = 1;
  Rig still(only(std::make_unique<Scripted>()), options), reviewed(only(std::move(s)), options);
  still.trainer.run(toy::stream(1));
  auto fast = options;
  fast.optimizer.learning_rate = 0.05;
  {
    auto t = std::make_unique<Scripted>();
    t->on_before_evaluation = [=](EventContext&) {
      return std::vector<Stage>{{.name = "review", .data = memory, .epochs = 30}};
    };
    t->on_project = [](StepContext& c) { c.parameters().grad().zero_(); };  // the live learner stays where it is
    Rig rig(only(std::move(t)), fast);
    auto const before = rig.theta().clone();
    rig.trainer.run(toy::stream(1));
    EXPECT_TRUE(at::equal(rig.theta(), before)) << "a review moved the live weights";
    EXPECT_GT(*rig.trainer.matrix().values[1][0], *still.trainer.matrix().values[1][0] + 0.2)
        << "the matrix was not measured on the reviewed copy";
  }
}

TEST(Gates, ReachTrainingAndEvaluation) {
  bool training_asked = false, test_asked = false;
  auto s = std::make_unique<Scripted>();
  s->on_gates = [&](Batch const&, bool training) {
    (training ? training_asked : test_asked) = true;
    return Gates{at::zeros({8})};
  };
  Rig rig(only(std::move(s)));
  auto const before = rig.theta().clone();
  rig.trainer.run(toy::stream(1));
  EXPECT_TRUE(training_asked && test_asked);
  auto const head = rig.learner->parameters().segments()[2].offset;
  EXPECT_TRUE(at::equal(rig.theta().narrow(0, 0, head), before.narrow(0, 0, head))) << "closed units learn nothing";
  EXPECT_EQ(*rig.trainer.matrix().values[1][0], 0.25) << "only the head's bias is left: chance";
}

TEST(Predict, ScoresReplaceLogitsInEvaluation) {
  auto s = std::make_unique<Scripted>();
  s->on_predict = [](Output const& output, Batch const&) {
    auto scores = at::zeros_like(output.logits);
    scores.select(1, 2).fill_(1);
    return scores;
  };
  Rig rig(only(std::move(s)));
  rig.trainer.run(toy::stream(1));
  EXPECT_EQ(*rig.trainer.matrix().values[1][0], 0.25) << "always class 2";
}

TEST(Grow, GivesNewOutputsAndCarriesEveryRow) {
  auto s = std::make_unique<Scripted>();
  auto* hooks = s.get();
  at::Tensor anchor, carried;
  auto options = RunRecipe::toy().train;
  options.at_boundary = "keep";
  Rig rig(only(std::move(s)), options);
  auto const weight = rig.segment("head.weight"), bias = rig.segment("head.bias");
  hooks->on_end = [&](EventContext& c) { anchor = c.parameters().value().clone(); };
  hooks->on_grown = [&](Growth const& growth) {
    if (anchor.defined()) anchor = growth.carry(anchor, 7);
  };
  hooks->on_begin = [&](EventContext& c) {
    if (c.first()) return;
    c.grow(weight, {6, 8});
    c.grow(bias, {6});
    EXPECT_EQ(c.parameters().size(), anchor.size(0));
    auto const& w = c.parameters().segments()[static_cast<std::size_t>(weight)];
    auto const both = at::stack({anchor, c.parameters().value()}).narrow(1, w.offset, w.size).view({2, 6, 8});
    EXPECT_TRUE(at::equal(both[0].narrow(0, 0, 4), both[1].narrow(0, 0, 4))) << "old rows are not where they were";
    EXPECT_EQ(both[0].narrow(0, 4, 2).min().item<float>(), 7);
    EXPECT_EQ(both[1].narrow(0, 4, 2).abs().max().item<float>(), 0);
  };
  hooks->on_before_evaluation = [&](EventContext& c) {  // a copy of a grown learner
    return std::vector<Stage>{{.name = "review", .data = c.data, .epochs = 1}};
  };
  rig.trainer.run(toy::stream(2));
  EXPECT_EQ(rig.learner->parameters().size(), 36 * 8 + 8 + 6 * 8 + 6);
  EXPECT_GT(rig.learner->parameters().value(bias)[4].abs().item<float>(), 0) << "the new output was not trained";
}

}  // namespace
}  // namespace mneme
