// Forget events: if these fail, what was asked to be forgotten is trained on, kept in a memory, or comes back; or a
// request that makes no sense changes a run. Methods: if these fail, one does not do what its equation says.
#include <cmath>
#include <numeric>

#include "mneme/strategies/er.hpp"
#include "mneme/strategies/ewc.hpp"
#include "mneme/unlearning/ewc_forget.hpp"
#include "mneme/unlearning/gradient_ascent.hpp"
#include "mneme/unlearning/random_labels.hpp"
#include "mneme/unlearning/retrain.hpp"
#include "mneme/unlearning/ssd.hpp"
#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

using test::listed;
using test::Rig;

Request classes(std::vector<std::int64_t> list) {
  return {.name = "classes", .classes = std::move(list), .samples = {}, .tasks = {}};
}
Request samples(std::vector<std::int64_t> list) {
  return {.name = "samples", .classes = {}, .samples = std::move(list), .tasks = {}};
}
Request tasks(std::vector<std::string> list) {
  return {.name = "tasks", .classes = {}, .samples = {}, .tasks = std::move(list)};
}

/// Plain descent, one step over up to 100 samples.
TrainOptions one_step() {
  auto options = RunRecipe::toy().train;
  options.optimizer.optimizer = "sgd";
  options.optimizer.momentum = 0;
  options.optimizer.learning_rate = 0.1;
  options.batch = 100;
  options.epochs = 1;
  return options;
}

Rig learnt(Json const& strategy, TrainOptions const& options = RunRecipe::toy().train) {
  Rig rig(listed(strategy), options);
  rig.trainer.learn(toy::task("toy-0", 0));
  return rig;
}

at::Tensor gradient_on(Rig& rig, Dataset const& data) {
  auto const row = rig.learner->parameters().new_row();
  RandomStreams streams(0);
  rig.learner->gradient(Batch(data, at::arange(data.size(), at::kLong), 0, {}), row, streams.get("noise"));
  return row;
}

Dataset of_class(Dataset const& data, std::int64_t c) { return data.select(data.labels().eq(c).nonzero().squeeze(1)); }

/// How far the weights move in the event.
at::Tensor moved(Json const& strategy, Request const& request = classes({1})) {
  auto rig = learnt(strategy, one_step());
  auto const before = rig.theta().clone();
  rig.trainer.forget(request);
  return rig.theta() - before;
}

// --------------------------------------------------------------------------------------------------------- the data

TEST(SeenData, SplitsWhatWasLearntAndNotForgotten) {
  SeenData seen;
  seen.learn(toy::task("a", 0));
  seen.learn(toy::task("b", 1));
  seen.forget(classes({1}));
  auto const split = seen.split(samples({0, 47}));  // 47 is sample 7 of the second task
  EXPECT_EQ(split.forget.size(), 2);
  EXPECT_EQ(split.retain.size(), 58) << "80 less 20 of class 1 less 2";
  EXPECT_TRUE(at::equal(split.forget.tasks(), at::tensor({0, 1}, at::kLong)));
  EXPECT_TRUE(at::equal(split.forget.data()[1], toy::task("b", 1).train.data()[7]));
  EXPECT_FALSE(split.retain.labels().eq(1).any().item<bool>()) << "what was forgotten is retained data again";
}

// Wrong: a record is searched among samples that are forgotten, or of tasks that come later.
TEST(SeenData, KnowsWhatStandsAfterTheFirstEvents) {
  Stream stream;
  stream.events = {toy::task("a", 0), classes({1}), toy::task("b", 1)};
  auto const before = SeenData::after(stream, 1), asked = SeenData::after(stream, 2), all = SeenData::after(stream, 3);
  EXPECT_TRUE(before.knows(5)) << "of class 1";
  EXPECT_FALSE(asked.knows(5));
  EXPECT_TRUE(asked.knows(0));
  EXPECT_FALSE(asked.knows(47)) << "of the second task";
  EXPECT_TRUE(all.knows(47));
  EXPECT_TRUE(all.knows(45)) << "of class 1, which was learnt again";
  for (std::int64_t const none : {-1, 80}) EXPECT_FALSE(all.knows(none)) << none;
}

TEST(SeenData, RefusesWhatMakesNoSense) {
  SeenData seen;
  auto const message = [&](Request const& request) {
    return message_of<ConfigError>([&] { static_cast<void>(seen.split(request)); });
  };
  EXPECT_NE(message(classes({1})).find("nothing was learnt"), std::string::npos);
  seen.learn(toy::task("a", 0));
  EXPECT_NE(message(classes({7})).find("class 7 was never learnt; known are the classes 0, 1, 2, 3"),
            std::string::npos);
  EXPECT_NE(message(classes({1, 1})).find("stands twice"), std::string::npos);
  EXPECT_NE(message(classes({0, 1, 2, 3})).find("nothing would be left"), std::string::npos);
  EXPECT_NE(message(tasks({"a"})).find("nothing would be left"), std::string::npos);
  EXPECT_NE(message(tasks({"b"})).find("was not learnt"), std::string::npos);
  EXPECT_NE(message(samples({40})).find("no sample 40 among the 40"), std::string::npos);
  EXPECT_NE(message(samples({-1})).find("no sample -1"), std::string::npos);
  EXPECT_NE(message({}).find("names nothing"), std::string::npos);
  seen.forget(classes({1}));
  EXPECT_NE(message(classes({1})).find("class 1 is forgotten already"), std::string::npos);
  EXPECT_NE(message(samples({5})).find("sample 5 is forgotten already"), std::string::npos) << "it is of class 1";
}

TEST(Forget, ARequestThatMakesNoSenseLeavesTheRunUnharmed) {
  auto rig = learnt("fine-tune-retained");
  auto const before = rig.trainer.training_hash();
  for (auto const& request : {classes({9}), classes({0, 1, 2, 3}), classes({2, 2}), samples({1000}), tasks({"x"})}) {
    EXPECT_THROW(rig.trainer.forget(request), ConfigError);
    EXPECT_EQ(rig.trainer.training_hash(), before);
  }
  rig.trainer.forget(classes({1}));
  EXPECT_THROW(rig.trainer.forget(classes({1})), ConfigError) << "it was forgotten twice";
  rig.trainer.learn(toy::task("toy-1", 1));
  EXPECT_EQ(rig.trainer.events_done(), 3);
}

TEST(Forget, AStreamWithSuchARequestIsRefusedBeforeItBegins) {
  auto stream = toy::stream(2);
  stream.events.insert(stream.events.begin() + 1, tasks({"toy-1"}));
  Rig rig(listed("ssd"));
  auto const message = message_of<ConfigError>([&] { rig.trainer.run(stream); });
  EXPECT_NE(message.find("'toy-1' was not learnt before"), std::string::npos) << message;
  EXPECT_EQ(rig.trainer.steps(), 0);
}

TEST(Forget, AStrategyThatCannotLetGoIsRefused) {
  auto rig = learnt({"dgr", "ssd"});
  auto const message = message_of<ConfigError>([&] { rig.trainer.forget(classes({1})); });
  EXPECT_NE(message.find("'dgr' keeps"), std::string::npos) << message;
}

TEST(Forget, TwoMethodsThatForgetDoNotGoTogether) { EXPECT_THROW(learnt({"ssd", "salun"}), ConfigError); }

// ------------------------------------------------------------------------------------------------------- other members

Buffer const& buffer_of(Rig& rig) {
  return dynamic_cast<Er&>(*rig.trainer.strategies().members().front().strategy).buffer();
}

TEST(Forget, ABufferLetsGoOfClassesSamplesAndTasks) {
  Json const both = {{{"kind", "er"}, {"memory", 100}}, {{"kind", "random-labels"}}};
  auto options = RunRecipe::toy().train;
  options.epochs = 1;
  auto rig = learnt(both, options);
  rig.trainer.learn(toy::task("toy-1", 1));
  ASSERT_EQ(buffer_of(rig).size(), 80);
  rig.trainer.forget(classes({1}));
  EXPECT_EQ(buffer_of(rig).size(), 60) << "samples with random labels got in, or class 1 is still there";
  EXPECT_FALSE(buffer_of(rig).all().labels.eq(1).any().item<bool>());
  rig.trainer.forget(samples({0, 2, 47}));
  EXPECT_EQ(buffer_of(rig).size(), 57);
  rig.trainer.forget(tasks({"toy-1"}));
  EXPECT_EQ(buffer_of(rig).size(), 28);
  EXPECT_TRUE(buffer_of(rig).all().task.eq(0).all().item<bool>());
}

TEST(Forget, AnAnchorMovesToTheWeightsThatHaveForgotten) {
  Json const both = {{{"kind", "ewc"}}, {{"kind", "grad-diff"}}};
  auto rig = learnt(both);
  auto& ewc = dynamic_cast<Ewc&>(*rig.trainer.strategies().members().front().strategy);
  auto const importance = ewc.quadratic().importance().clone();
  auto const before = rig.theta().clone();
  EXPECT_TRUE(at::equal(ewc.quadratic().anchor(), before));
  rig.trainer.forget(classes({1}));
  EXPECT_FALSE(at::equal(rig.theta(), before));
  EXPECT_TRUE(at::equal(ewc.quadratic().anchor(), rig.theta())) << "it pulls back to weights that knew";
  EXPECT_TRUE(at::equal(ewc.quadratic().importance(), importance));
}

TEST(Forget, OnlyTheMethodThatForgetsActsInTheEvent) {
  auto const with_er = moved({{{"kind", "er"}, {"memory", 100}}, {{"kind", "gradient-ascent"}}});
  EXPECT_TRUE(at::equal(with_er, moved("gradient-ascent"))) << "replay took part";
}

TEST(BufferRemove, KeepsOrderAndTheChancesOfALaterSample) {
  int entered = 0;
  int constexpr kRuns = 2000;
  for (int run = 0; run < kRuns; ++run) {
    RandomStreams streams(static_cast<std::uint64_t>(run));
    Buffer buffer({.memory = 10, .policy = "reservoir"});
    auto const offer = [&](std::int64_t first, std::int64_t n) {
      auto const number = at::arange(first, first + n, at::kLong);
      buffer.offer({number.unsqueeze(1), number.remainder(2), at::zeros_like(number), {}}, streams.get("reservoir"));
    };
    offer(0, 40);
    auto const odd = buffer.all().labels.eq(1);
    auto const kept = buffer.all().data.flatten().masked_select(odd.logical_not());
    buffer.remove(odd);
    ASSERT_TRUE(at::equal(buffer.all().data.flatten(), kept));
    ASSERT_EQ(buffer.seen(), 4 * kept.size(0)) << "a share of what was offered";
    offer(40, 1);
    entered += buffer.all().data.eq(40).any().item<bool>() ? 1 : 0;
    ASSERT_LE(buffer.size(), 10);
  }
  // About 20 even samples were offered, so that number 21 enters with a chance near 10/21.
  EXPECT_NEAR(entered / static_cast<double>(kRuns), 10.0 / 21, 0.05);
}

// ------------------------------------------------------------------------------------------------------------ methods

TEST(GradientAscent, OneStepGoesUpTheGradientOfTheForgottenData) {
  auto rig = learnt("gradient-ascent", one_step());
  auto const expected = gradient_on(rig, of_class(toy::task("toy-0", 0).train, 1)) * 0.1;
  auto const before = rig.theta().clone();
  rig.trainer.forget(classes({1}));
  EXPECT_TRUE(at::allclose(rig.theta() - before, expected, 1e-4, 1e-7));
}

TEST(GradientAscent, StopsAtTheCeiling) {
  EXPECT_EQ(moved({{"kind", "gradient-ascent"}, {"ceiling", 1e-6}}).abs().max().item<float>(), 0);
}

TEST(GradDiff, IsTheWeightedSumOfAscentAndDescent) {
  auto const setting = [](double gamma, double alpha) {
    return moved(Json{{"kind", "grad-diff"}, {"gamma", gamma}, {"alpha", alpha}});
  };
  auto const ascent = moved("gradient-ascent");
  EXPECT_TRUE(at::allclose(setting(2, 0), ascent * 2, 1e-3, 1e-6));
  auto const descent = setting(0, 1);
  EXPECT_TRUE(at::allclose(setting(1, 3), ascent + descent * 3, 1e-3, 1e-6));
  auto rig = learnt("naive", one_step());
  auto const all = toy::task("toy-0", 0).train;
  auto const retained = all.select(all.labels().ne(1).nonzero().squeeze(1));
  EXPECT_LT(descent.dot(gradient_on(rig, retained)).item<float>(), 0) << "the loss on what is retained rises";
}

/// All samples but the last, of class 3, so that what is retained is known whatever is drawn.
std::vector<std::int64_t> all_but_one() {
  std::vector<std::int64_t> list(39);
  std::iota(list.begin(), list.end(), 0);
  return list;
}
Dataset the_one() { return toy::task("toy-0", 0).train.select(at::tensor({39}, at::kLong)); }

TEST(GradDiff, DescendsOnWhatIsRetained) {
  auto rig = learnt({{"kind", "grad-diff"}, {"gamma", 0}, {"alpha", 1}}, one_step());
  auto const expected = gradient_on(rig, the_one()) * -0.1;
  auto const before = rig.theta().clone();
  rig.trainer.forget(samples(all_but_one()));
  EXPECT_TRUE(at::allclose(rig.theta() - before, expected, 1e-4, 1e-7)) << "the batch beside is of something else";
}

TEST(RandomLabels, AreUniformOverTheOtherCandidates) {
  RandomStreams streams(3);
  auto const candidates = at::tensor({0, 2, 7}, at::kLong);
  auto const n = 6000;
  for (auto const label : {0, 2, 7, 5}) {
    auto const labels = at::full({n}, label, at::kLong);
    auto const drawn = drawn_labels(labels, candidates, true, streams.get("labels"));
    for (auto const c : {0, 2, 7}) {
      auto const expected = label == c ? 0.0 : label == 5 ? n / 3.0 : n / 2.0;
      EXPECT_NEAR(drawn.eq(c).sum().item<double>(), expected, expected == 0 ? 0 : 250) << label << " -> " << c;
    }
  }
  auto const all = drawn_labels(at::full({n}, 2, at::kLong), candidates, false, streams.get("labels"));
  EXPECT_NEAR(all.eq(2).sum().item<double>(), n / 3.0, 250);
  EXPECT_EQ(drawn_labels(at::tensor({2}, at::kLong), at::tensor({2}, at::kLong), true, streams.get("l")).item<int>(),
            2);
}

TEST(SalUn, TheLargestGradientsAreSalient) {
  auto const mask = [](std::vector<float> const& g, double quantile) { return salient(at::tensor(g), quantile); };
  EXPECT_TRUE(at::equal(mask({0.5F, -3, 1, -2}, 0.5), at::tensor({0, 1, 0, 1}).to(at::kBool)));
  EXPECT_TRUE(at::equal(mask({0.5F, -3, 1, -2}, 0.75), at::tensor({0, 1, 0, 0}).to(at::kBool)));
  EXPECT_TRUE(at::equal(mask({0, 0, 0, -2}, 0.5), at::tensor({0, 0, 0, 1}).to(at::kBool)));
}

TEST(SalUn, OtherWeightsStayBitForBit) {
  for (double const decay : {0.1, 0.0}) {  // without it what moves is moved by the gradient
    auto options = RunRecipe::toy().train;
    options.optimizer.optimizer = "adamw";
    options.optimizer.weight_decay = decay;
    auto rig = learnt({{"kind", "salun"}, {"quantile", 0.9}, {"epochs", 3}}, options);
    auto const mask = salient(gradient_on(rig, of_class(toy::task("toy-0", 0).train, 1)), 0.9);
    auto const before = rig.theta().clone();
    rig.trainer.forget(classes({1}));
    auto const stays = rig.theta().eq(before);
    EXPECT_TRUE(stays.masked_select(mask.logical_not()).all().item<bool>());
    EXPECT_FALSE(stays.masked_select(mask).any().item<bool>());
  }
}

TEST(Ssd, DampensByHandComputedFactors) {
  auto const on_forget = at::tensor({100.0F, 5.0F, 1.0F, 0.0F, 40.0F}),
             on_all = at::tensor({1.0F, 1.0F, 1.0F, 0.0F, 2.0F});
  auto theta = at::full({5}, 2.0F);
  auto const selected = dampen(theta, on_forget, on_all, 10, 1);
  EXPECT_TRUE(at::equal(selected, at::tensor({1, 0, 0, 0, 1}).to(at::kBool)));
  EXPECT_TRUE(at::allclose(theta, at::tensor({0.02F, 2.0F, 2.0F, 2.0F, 0.1F})));
  theta = at::full({5}, -2.0F);
  dampen(theta, on_forget, on_all, 10, 50);
  EXPECT_TRUE(at::allclose(theta, at::tensor({-1.0F, -2.0F, -2.0F, -2.0F, -2.0F})))
      << "a factor above 1 makes a weight larger";
}

TEST(Ssd, AnAlphaThatCanSelectNothingIsRefused) {
  auto rig = learnt({{"kind", "ssd"}, {"alpha", 4}});
  auto const before = rig.theta().clone();
  auto const message = message_of<ConfigError>([&] { rig.trainer.forget(classes({1})); });  // 10 of 40 samples
  EXPECT_NE(message.find("at most 4 times"), std::string::npos) << message;
  EXPECT_TRUE(at::equal(rig.theta(), before));
}

TEST(Ssd, ImportancesAreOfTheForgottenAndOfAllData) {
  auto rig = learnt({{"kind", "ssd"}, {"alpha", 1.5}, {"lambda", 0.5}}, one_step());
  auto const train = toy::task("toy-0", 0).train;
  auto const squares = [&](Dataset const& data) {  // one sample at a time
    auto sum = at::zeros_like(rig.theta());
    for (std::int64_t i = 0; i < data.size(); ++i)
      sum.add_(gradient_on(rig, data.select(at::tensor({i}, at::kLong))).square());
    return sum / data.size();
  };
  auto const f = squares(of_class(train, 1)), d = squares(train);
  auto const expected = at::where(f.gt(d * 1.5), rig.theta() * (d * 0.5 / f).clamp_max(1), rig.theta());
  rig.trainer.forget(classes({1}));
  EXPECT_TRUE(at::allclose(rig.theta(), expected, 1e-3, 1e-6));
}

TEST(EwcForget, EntropyToUniformIsOverTheOutputsThatTakePart) {
  auto const logits = at::tensor({0.0F, std::log(3.0F), 9.0F}).unsqueeze(0);  // p = 1/4, 3/4 without the third
  Batch batch(at::zeros({1, 1}), at::zeros({1}, at::kLong));
  batch.active = at::tensor({1, 1, 0}).to(at::kBool);
  double const expected = -(std::log(0.25) + std::log(0.75)) / 2;
  EXPECT_NEAR(entropy_to_uniform(batch, logits).item<double>(), expected, 1e-6);
  batch.active = at::Tensor();
  EXPECT_NEAR(entropy_to_uniform(batch, logits.narrow(1, 0, 2)).item<double>(), expected, 1e-6);
}

TEST(EwcForget, MovesTheAnswersOnWhatIsForgottenTowardsUniform) {
  auto rig = learnt({{"kind", "ewc-forget"}, {"lambda", 0}, {"gamma", 0}, {"epochs", 10}});
  auto const asked = of_class(toy::task("toy-0", 0).train, 1);
  auto const distance = [&] {
    Batch const batch(asked, at::arange(asked.size(), at::kLong), 0, {});
    auto noise = RandomStreams(0).fresh("noise");
    auto const cross = entropy_to_uniform(batch, rig.learner->forward(batch, {}, noise).logits);
    return cross.mean().item<double>() - std::log(4.0);  // 0 at uniform answers
  };
  auto const before = distance();
  rig.trainer.forget(classes({1}));
  EXPECT_LT(distance(), before / 4);
}

TEST(EwcForget, ThePenaltyHoldsTheWeights) {
  auto options = one_step();
  options.batch = 5;  // several steps: the penalty's gradient at its anchor is 0
  auto const distance = [&](double lambda) {
    auto rig = learnt({{"kind", "ewc-forget"}, {"lambda", lambda}, {"epochs", 10}}, options);
    auto const before = rig.theta().clone();
    rig.trainer.forget(classes({1}));
    return (rig.theta() - before).norm().item<double>();
  };
  EXPECT_LT(distance(20), 0.9 * distance(0));
}

TEST(EwcForget, ReplayIsOfWhatIsRetained) {
  auto const moves = [](double gamma) {
    auto rig = learnt({{"kind", "ewc-forget"}, {"lambda", 0}, {"gamma", gamma}}, one_step());
    auto const replay = gradient_on(rig, the_one()) * -0.1;
    auto const before = rig.theta().clone();
    rig.trainer.forget(samples(all_but_one()));
    return std::pair(rig.theta() - before, replay);
  };
  auto const [with, replay] = moves(2);
  EXPECT_TRUE(at::allclose(with, moves(0).first + replay * 2, 1e-3, 1e-6));
}

TEST(EwcForget, ThePenaltyIsOfWhatIsRetained) {
  // Two steps of gamma = 0 over the same samples: the second adds lambda F (theta_1 - theta_0), F of the one retained.
  auto const after = [](double lambda, std::int64_t steps) {
    auto rig =
        learnt({{"kind", "ewc-forget"}, {"gamma", 0}, {"lambda", lambda}, {"steps", steps}, {"labels", "empirical"}},
               one_step());
    auto const importance = gradient_on(rig, the_one()).square();
    auto const before = rig.theta().clone();
    rig.trainer.forget(samples(all_but_one()));
    return std::tuple(rig.theta().clone(), before, importance);
  };
  auto const [one, origin, importance] = after(5, 1);
  auto const held = std::get<0>(after(5, 2)), free = std::get<0>(after(0, 2));
  EXPECT_GT((held - free).abs().max().item<double>(), 1e-5);
  EXPECT_TRUE(at::allclose(held - free, importance * (one - origin) * (-0.1 * 5), 1e-2, 1e-6));
}

/// Accuracy on test samples of class 1 and of the others, after an event in which class 1 was to be forgotten.
std::pair<double, double> after_forgetting(Json const& strategy) {
  auto options = RunRecipe::toy().train;
  options.epochs = 40;
  auto rig = learnt(strategy, options);
  auto const test = toy::task("toy-0", 0).test;
  auto const one = of_class(test, 1), others = test.select(test.labels().ne(1).nonzero().squeeze(1));
  EXPECT_GT(rig.trainer.test(one, 0).front(), 0.9) << "it was never known";
  auto const before = rig.theta().clone();
  rig.trainer.forget(classes({1}));
  EXPECT_FALSE(at::equal(rig.theta(), before));
  return {rig.trainer.test(one, 0).front(), rig.trainer.test(others, 0).front()};
}

TEST(Retrain, NeverSeesWhatIsForgotten) {
  auto const [forgotten, others] = after_forgetting("retrain");
  EXPECT_EQ(forgotten, 0);
  EXPECT_GT(others, 0.9);
}

TEST(FineTune, OneStepGoesDownTheGradientOfWhatIsRetained) {
  Json const strategy = {{"kind", "fine-tune-retained"}, {"epochs", 1}, {"lr_scale", 1.0}};
  auto rig = learnt(strategy, one_step());
  auto const train = toy::task("toy-0", 0).train;
  auto const retained = train.select(train.labels().ne(1).nonzero().squeeze(1));
  EXPECT_TRUE(at::allclose(moved(strategy), gradient_on(rig, retained) * -0.1, 1e-4, 1e-7));
}

TEST(RandomLabels, AreThoseOfWhatIsForgottenAlone) {
  auto const [forgotten, others] = after_forgetting({{"kind", "random-labels"}, {"epochs", 40}});
  EXPECT_LT(forgotten, 0.1);
  EXPECT_GT(others, 0.9) << "labels of what is retained were drawn anew";
}

TEST(Retrain, BeginsWithNewWeights) {
  auto rig = learnt("retrain");
  auto const before = rig.theta().clone();
  rig.trainer.forget(classes({1}));
  EXPECT_GT((rig.theta() - before).abs().mean().item<double>(), 0.01) << "it went on from the old weights";
}

// Wrong: with train.steps the reference of all methods has a part of the training of what it stands for.
TEST(Retrain, WithStepsIsAsLongAsAllTasksTogether) {
  auto options = RunRecipe::toy().train;
  options.steps = 6;
  auto rig = learnt("retrain", options);
  rig.trainer.learn(toy::task("toy-1", 1));
  rig.trainer.forget(classes({1}));
  EXPECT_EQ(rig.trainer.steps(), 6 + 6 + 12);
}

TEST(Forgotten, IsKnownByItsClassOrByItsBytes) {
  auto const rows = at::arange(12, at::kFloat).view({4, 3});
  auto const labels = at::tensor({0, 1, 2, 1}, at::kLong);
  Dataset const asked("asked", rows.narrow(0, 2, 1), labels.narrow(0, 2, 1), {});
  auto const rest = toy::task("toy-0", 0).train;
  auto const by_sample = Forgotten(samples({2}), {asked, rest}).among(rows, labels);
  EXPECT_TRUE(at::equal(by_sample, at::tensor({0, 0, 1, 0}).to(at::kBool)));
  auto const by_class = Forgotten(classes({1}), {asked, rest}).among(rows, labels);
  EXPECT_TRUE(at::equal(by_class, at::tensor({0, 1, 1, 1}).to(at::kBool))) << "another view of the class is kept";
}

}  // namespace
}  // namespace mneme
