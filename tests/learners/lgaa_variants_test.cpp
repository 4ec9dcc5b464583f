// What the lifelong generative adversarial autoencoder can be made into, and what it refuses: if these fail, a part of
// it trains otherwise than in the whole, an option changes nothing, or a run ends in its middle.
#include "mneme/learners/lgaa.hpp"

#include <gtest/gtest.h>

#include <set>

#include "mneme/core/errors.hpp"
#include "mneme/testing/toy.hpp"
#include "mneme/train/trainer.hpp"
#include "tests/core/message_of.hpp"
#include "tests/learners/lgaa_support.hpp"
#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

using namespace test;  // lgaa_support.hpp

/// Nets that differ between two states of one model.
std::set<std::string> moved(Lgaa const& learner, at::Tensor const& before) {
  std::set<std::string> nets;
  for (auto const& segment : learner.parameters().segments())
    if (!at::equal(segment.of(learner.parameters().value()), segment.of(before)))
      nets.insert(segment.name.substr(0, segment.name.find('.')));
  return nets;
}

// The baselines on the same nets: a part of the objective that came along, or a net, would make them another method.
TEST(Lgaa, TheVaeIsTheInferencePhaseAloneAndRecallsWhatItMet) {
  LgaaOptions options;
  options.model = "vae";
  auto const vae = small(options), whole = small();
  ASSERT_EQ(vae->phases().size(), 1U);
  EXPECT_TRUE(
      at::equal(gradient(*vae, 0, random_batch(some_labels())), gradient(*whole, 2, random_batch(some_labels()))));
  EXPECT_EQ(vae->met().sum().item<std::int64_t>(), 4);
  EXPECT_EQ(vae->metrics().size(), 5U) << "all but SSIM, whose window is larger than the images";
}

TEST(Lgaa, TheGanReconstructsNothingAndItsClassifierLearnsByCrossEntropyAlone) {
  LgaaOptions options;
  options.model = "gan";
  auto const gan = small(options), whole = small();
  ASSERT_EQ(gan->phases().size(), 3U);
  for (std::size_t phase = 0; phase < 2; ++phase)
    EXPECT_TRUE(at::equal(gradient(*gan, phase, random_batch(some_labels())),
                          gradient(*whole, phase, random_batch(some_labels()))));
  auto const row = gradient(*gan, 2, random_batch(some_labels()));
  for (auto const& segment : gan->parameters().segments()) {
    bool const solver = segment.name.starts_with("category.") || segment.name.starts_with("domain.");
    bool const trained = segment.of(row).abs().max().item<double>() > 0;
    if (!solver) {
      EXPECT_FALSE(trained) << segment.name;
    } else if (segment.name.ends_with("weight")) {
      EXPECT_TRUE(trained) << segment.name;
    }
  }
  auto const parts = gan->loss_parts(random_batch(some_labels()), {});
  EXPECT_FALSE(parts.contains("squared_error"));
  ASSERT_EQ(gan->metrics().size(), 2U);
  auto noise = seeded(9);
  auto const batch = random_batch(some_labels());
  EXPECT_EQ(gan->measure(batch, gan->forward(batch, {}, noise)).size(0), 2);
}

TEST(Lgaa, AlternatingEpochsWakeFirstAndThenDream) {
  auto const learner = toy::learner("lgaa", {{"phase_schedule", "alternating"}});
  auto const& model = dynamic_cast<Lgaa const&>(*learner);
  TrainOptions train;
  train.epochs = 2;
  train.batch = 8;  // five steps
  auto before = learner->parameters().value().clone();
  auto probe = std::make_unique<Scripted>();
  probe->on_after_step = [&](StepContext& c) {
    if (c.step != 4) return;
    EXPECT_EQ(moved(model, before), (std::set<std::string>{"critic", "generator"}));
    before = learner->parameters().value().clone();
  };
  Trainer trainer(*learner, only(std::move(probe)), train, {}, 0);
  trainer.learn(toy::task("toy-0", 0));
  EXPECT_EQ(moved(model, before), (std::set<std::string>{"generator", "encoder", "category", "domain"}));
}

// Wrong: an epoch logs terms of another one, and the rule that stops a collapsed run counts them again.
TEST(Lgaa, AStepLogsTheTermsOfItsOwnPhasesAlone) {
  LgaaOptions options;
  options.phase_schedule = "alternating";
  auto const learner = small(options);
  auto const batch = random_batch(some_labels());
  for (std::size_t const phase : {0, 1}) static_cast<void>(gradient(*learner, phase, batch));
  EXPECT_TRUE(learner->loss_parts(batch, {}).contains("spread"));
  EXPECT_TRUE(learner->loss_parts(batch, {}).contains("generator"));
  static_cast<void>(gradient(*learner, 2, batch));
  EXPECT_FALSE(learner->loss_parts(batch, {}).contains("spread"));
  EXPECT_TRUE(learner->loss_parts(batch, {}).contains("squared_error"));
  static_cast<void>(gradient(*learner, 0, batch));
  EXPECT_FALSE(learner->loss_parts(batch, {}).contains("squared_error"));
}

// Wrong: where every task has outputs of its own, a replay without labels draws classes that its domain never had.
TEST(Lgaa, UnsupervisedMeetsTheOutputsThatTakePartAlone) {
  LgaaOptions options;
  options.mode = "unsupervised";
  auto const learner = small(options);
  auto batch = random_batch(some_labels());
  batch.active = at::zeros({2}, at::kBool);
  batch.active[1] = true;
  static_cast<void>(gradient(*learner, 0, batch));
  auto const classes = learner->met().any(0);
  for (std::int64_t c = 0; c < classes.size(0); ++c) EXPECT_EQ(classes[c].item<bool>(), c == 1) << c;
}

TEST(Lgaa, RefusesOptionsThatNoTermReads) {
  auto const message = [](Json const& options) {
    return message_of<ConfigError>([&] { static_cast<void>(toy::learner("lgaa", options)); });
  };
  EXPECT_NE(message({{"kl_domain", 2}}).find("learner.kl_domain"), std::string::npos);
  EXPECT_NE(message({{"kl_category", 2}}).find("learner.kl_category"), std::string::npos);
  EXPECT_NE(message({{"temperature", 1}}).find("learner.temperature"), std::string::npos);
  EXPECT_NE(message({{"category", 2}, {"mode", "unsupervised"}}).find("learner.category"), std::string::npos);
  EXPECT_NE(message({{"beta1", 0.5}, {"adversarial_optimizer", "rmsprop"}}).find("learner.beta1"), std::string::npos);
  for (Json const& read : std::vector<Json>{{{"kl_domain", 2}, {"kl_category", 2}, {"kl_known", true}},
                                            {{"kl_category", 2}, {"mode", "semi-supervised"}},
                                            {{"temperature", 1}, {"codes", "inferred"}},
                                            {{"temperature", 1}, {"mode", "unsupervised"}}})
    static_cast<void>(toy::learner("lgaa", read));
}

// Wrong: found out in the first step of a run.
TEST(Lgaa, NeedsLabelsUnlessItIsToldToDoWithout) {
  for (std::string const mode : {"supervised", "semi-supervised", "unsupervised"}) {
    auto const learner = toy::learner("lgaa", {{"mode", mode}});
    Trainer trainer(*learner, {}, RunRecipe::toy().train, {}, 0);
    auto stream = toy::stream(1);
    stream.visibility.labels = false;
    if (mode == "unsupervised") {
      trainer.expect(stream);
    } else {
      EXPECT_NE(message_of<ConfigError>([&] { trainer.expect(stream); }).find("mode"), std::string::npos) << mode;
    }
  }
}

TEST(Lgaa, TheCriticTrainsAsOftenAsItIsToldForEachOfTheOthers) {
  std::map<std::string, int> steps;
  auto probe = std::make_unique<test::Scripted>();
  probe->on_add = [&](StepContext& c) { ++steps[c.phase->name]; };
  auto const learner = toy::learner("lgaa", {{"critic_steps", 3}});
  TrainOptions train;
  train.steps = 4;
  train.batch = 8;
  StrategyList list;
  list.add("probe", std::move(probe), 0);
  Trainer trainer(*learner, std::move(list), train, {}, 0);
  trainer.learn(toy::task("toy-0", 0));
  EXPECT_EQ(steps, (std::map<std::string, int>{{"critic", 12}, {"generator", 4}, {"inference", 4}}));
}

// Wrong: a mode changes what has nothing to do with labels, or unlabelled data change nothing.
TEST(Lgaa, TheModesDifferInWhatReadsTheCategoryAlone) {
  auto const labels = some_labels(), unknown = at::full_like(labels, -1);
  auto half = labels.clone();
  half.narrow(0, 0, 3).fill_(-1);
  auto const inferred = [](std::string const& mode, at::Tensor const& y) {
    LgaaOptions options;
    options.mode = mode;
    auto const learner = small(options);
    return std::pair{gradient(*learner, 2, random_batch(y)).clone(), learner->parameters().segments()};
  };
  auto const [plain, segments] = inferred("supervised", labels);
  for (auto const& [mode, y] : std::vector<std::pair<std::string, at::Tensor>>{
           {"semi-supervised", half}, {"semi-supervised", unknown}, {"unsupervised", labels}}) {
    auto const row = inferred(mode, y).first;
    bool category = false;
    for (auto const& segment : segments) {
      bool const same = at::equal(segment.of(row), segment.of(plain));
      EXPECT_TRUE(same || !segment.name.starts_with("domain.")) << mode << " " << segment.name;
      category |= segment.name.starts_with("category.") && !same;
    }
    EXPECT_TRUE(category) << mode;
  }
  EXPECT_TRUE(at::equal(inferred("unsupervised", labels).first, inferred("unsupervised", unknown).first))
      << "labels are read";
}

// The choices of the released code that are not the default: each trains, does what it says and touches no statistics
// that are not there.
TEST(Lgaa, TheReleasedCodesChoicesAreOptions) {
  auto const trained = [](Json const& options) {
    auto learner = toy::learner("lgaa", options);
    TrainOptions train;
    train.steps = 3;
    train.batch = 8;
    Trainer trainer(*learner, {}, train, {}, 0);
    trainer.learn(toy::task("toy-0", 0));
    EXPECT_TRUE(at::isfinite(learner->parameters().value()).all().item<bool>()) << options;
    return learner;
  };
  auto const plain = trained(Json::object())->parameters().value().clone();
  for (Json const& options : {Json{{"critic_norm", "layer"}}, Json{{"critic_norm", "batch"}}}) {
    auto const learner = trained(options);
    EXPECT_GT(learner->parameters().size(), plain.numel()) << options;
  }
  auto const same = trained({{"adversarial_optimizer", "adam"}})->parameters().value();
  EXPECT_TRUE(at::equal(same, plain));
  for (Json const& options : {Json{{"adversarial_optimizer", "rmsprop"}}, Json{{"prior", "uniform"}}})
    EXPECT_FALSE(at::equal(trained(options)->parameters().value(), plain)) << options;
}

TEST(Lgaa, AUniformPriorStaysWithinItsBounds) {
  LgaaOptions options;
  options.prior = "uniform";
  auto const learner = small(options), normal = small();
  auto const labels = at::zeros({400}, at::kLong), domains = at::zeros({400}, at::kLong);
  auto noise = seeded(3), again = seeded(3), other = seeded(3);
  auto const drawn = learner->draw(labels, domains, noise);
  auto const z = at::empty({400, 3}, at::kFloat).uniform_(-1, 1, again);
  auto const expected =
      learner->decode({.z = z, .u = learner->category_code(labels), .a = learner->domain_code(domains)});
  EXPECT_TRUE(at::equal(drawn, expected));
  EXPECT_FALSE(at::equal(drawn, normal->draw(labels, domains, other)));
}

TEST(Lgaa, RefusesMoreTasksThanItHasPlacesForBeforeAnythingIsBegun) {
  auto const learner = toy::learner("lgaa", {{"domains", 1}});
  Trainer trainer(*learner, StrategyList(Json{{"kind", "self-replay"}}, "strategy", 0), TrainOptions(), {}, 0);
  auto const message = message_of<ConfigError>([&] { trainer.run(toy::stream(2)); });
  EXPECT_NE(message.find("learner.domains: 1, but there is a task number 2"), std::string::npos) << message;
  EXPECT_EQ(trainer.steps(), 0);
}

// Wrong: the last step of an epoch ends the run, in the first event or, where a strategy enlarges later steps, in none.
TEST(Lgaa, ASampleThatIsLeftOverJoinsTheStepBefore) {
  auto const steps = [](bool norm, TrainOptions const& changed, std::int64_t tasks) {
    auto const learner = toy::learner("lgaa", {{"norm", norm}});
    auto train = changed;
    train.batch = 13;  // three batches and one of the 40
    Trainer trainer(*learner, StrategyList(Json{{"kind", "naive"}}, "strategy", 0), train, {}, 0);
    trainer.run(toy::stream(tasks));
    return trainer.steps();
  };
  TrainOptions once;
  once.epochs = 1;
  EXPECT_EQ(steps(false, once, 1), 4);
  EXPECT_EQ(steps(true, once, 1), 3);
  EXPECT_EQ(steps(true, once, 2), 6);
  TrainOptions four;
  four.steps = 4;
  EXPECT_EQ(steps(true, four, 1), 4);
}

TEST(Lgaa, RefusesABatchOrATaskOfOneSampleBeforeAnythingIsBegun) {
  auto const learner = toy::learner("lgaa");
  TrainOptions train;
  train.batch = 1;
  Trainer trainer(*learner, {}, train, {}, 0);
  EXPECT_NE(message_of<ConfigError>([&] { trainer.run(toy::stream(1)); }).find("train.batch: 1"), std::string::npos);
  train.batch = 8;
  Trainer other(*learner, {}, train, {}, 0);
  EXPECT_NE(message_of<ConfigError>([&] { other.run(toy::stream(2, 1)); }).find("'toy-0' has 1"), std::string::npos);
}

// Wrong: a run ends well whose encoder and classifiers are as they were drawn.
TEST(Lgaa, RefusesAlternatingEpochsWhereThereIsOne) {
  auto const message = [](TrainOptions const& train) {
    auto const learner = toy::learner("lgaa", {{"phase_schedule", "alternating"}});
    Trainer trainer(*learner, {}, train, {}, 0);
    return message_of<ConfigError>([&] { trainer.run(toy::stream(1)); });
  };
  TrainOptions train;
  train.batch = 8;
  train.epochs = 1;
  EXPECT_NE(message(train).find("phase 'inference'"), std::string::npos);
  train.epochs = 4;
  train.patience = 1;
  EXPECT_NE(message(train).find("train.patience"), std::string::npos);
  train.patience = 0;
  train.steps = 3;
  EXPECT_NE(message(train).find("phase 'inference'"), std::string::npos);
}

TEST(Lgaa, RefusesAlternatingEpochsInTheOneEpochOfARequest) {
  auto const learner = toy::learner("lgaa", {{"phase_schedule", "alternating"}});
  Trainer trainer(*learner, test::listed({{"kind", "fine-tune-retained"}, {"epochs", 1}}), RunRecipe::toy().train, {},
                  0);
  auto stream = toy::split_stream(false);
  stream.events.emplace_back(Request{.name = "first", .classes = {}, .samples = {}, .tasks = {"toy-0"}});
  auto const message = message_of<ConfigError>([&] { trainer.run(stream); });
  EXPECT_NE(message.find("'first' has 1 epoch(s)"), std::string::npos) << message;
}

TEST(Lgaa, RefusesASetWithoutAnyLabelWhereItIsToLearnFromFew) {
  auto const learner = toy::learner("lgaa", {{"mode", "semi-supervised"}});
  auto stream = toy::stream(2);
  auto& task = std::get<Task>(stream.events[1]);
  task.train = task.train.with(task.train.data(), at::full_like(task.train.labels(), -1));
  Trainer trainer(*learner, {}, RunRecipe::toy().train, {}, 0);
  EXPECT_NE(message_of<DataError>([&] { trainer.run(stream); }).find("no sample has a label"), std::string::npos);
}

TEST(Lgaa, RefusesModelsWithoutThePartThatIsAskedFor) {
  LgaaOptions vae, gan;
  vae.model = "vae";
  vae.phase_schedule = "alternating";
  EXPECT_NE(message_of<ConfigError>([&] { small(vae); }).find("interleaved"), std::string::npos);
  LgaaOptions plain_vae, plain_gan;  // settings of a phase that the model does not have
  plain_vae.model = "vae";
  plain_vae.regression = 5;
  EXPECT_NE(message_of<ConfigError>([&] { small(plain_vae); }).find("learner.regression"), std::string::npos);
  plain_gan.model = "gan";
  plain_gan.kl = 5;
  EXPECT_NE(message_of<ConfigError>([&] { small(plain_gan); }).find("learner.kl:"), std::string::npos);
  gan.model = "gan";
  gan.net.domain_from = "code";
  EXPECT_NE(message_of<ConfigError>([&] { small(gan); }).find("needs the encoder"), std::string::npos);
}

TEST(Lgaa, RefusesWhatItCannotTrainOn) {
  auto const learner = small();
  EXPECT_NE(message_of<ConfigError>([&] {
              static_cast<void>(gradient(*learner, 0, random_batch(some_labels(), 4)));
            }).find("raise it"),
            std::string::npos);
  auto const several = random_batch(some_labels(), 1).joined(random_batch(some_labels(), 4));
  EXPECT_NE(message_of<ConfigError>([&] { static_cast<void>(gradient(*learner, 0, several)); }).find("task number 5"),
            std::string::npos);
  EXPECT_NE(message_of<ConfigError>([&] {
              static_cast<void>(gradient(*learner, 0, random_batch(at::zeros({1}, at::kLong))));
            }).find("one sample"),
            std::string::npos);
  auto const x = at::zeros({2, 1, 8, 8}, at::kByte);
  Dataset const unlabelled("bare", x, at::full({2}, -1, at::kLong), {});
  EXPECT_NE(message_of<DataError>([&] { learner->check(unlabelled); }).find("without a label"), std::string::npos);
  Dataset const colour("colour", at::zeros({2, 3, 8, 8}, at::kByte), at::zeros({2}, at::kLong), {});
  EXPECT_NE(message_of<DataError>([&] { learner->check(colour); }).find("3 x 8 x 8"), std::string::npos);
  EXPECT_NE(message_of<ConfigError>([&] { small(LgaaOptions(), {64}); }).find("is for images"), std::string::npos);
}

}  // namespace
}  // namespace mneme
