// The lifelong generative adversarial autoencoder: if these fail, a phase trains what is not its own, a mode reads
// labels that it should not, or the model draws what it never met.
#include "mneme/learners/lgaa.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <set>

#include "mneme/core/errors.hpp"
#include "mneme/learners/vae_net.hpp"
#include "mneme/testing/toy.hpp"
#include "mneme/train/trainer.hpp"
#include "tests/core/message_of.hpp"
#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

at::Generator seeded(std::uint64_t seed) { return at::detail::createCPUGenerator(seed); }

std::unique_ptr<Lgaa> small(LgaaOptions options = LgaaOptions(), Shape const& image = {1, 8, 8}) {
  auto init = seeded(5);
  options.net.width = 0.05;
  options.net.latent = 3;
  return std::make_unique<Lgaa>(LearnerShape{image, 4, at::kCPU}, options, &init);
}

Batch random_batch(at::Tensor labels, std::int64_t task = 1, Shape const& image = {1, 8, 8}) {
  auto g = seeded(6);
  return {at::rand(with_count(labels.size(0), image), g, at::kFloat), labels, task, Visibility{}};
}
at::Tensor some_labels() { return at::tensor({0, 1, 2, 3, 1, 1}, at::kLong); }

/// The gradient of a phase [P].
at::Tensor gradient(Lgaa& learner, std::size_t phase, Batch const& batch, std::uint64_t seed = 7) {
  auto noise = seeded(seed);
  auto& arena = learner.parameters();
  arena.begin_gradient();
  auto const output = learner.forward(batch, {.training = true, .gates = nullptr}, noise);
  learner.loss(learner.phases()[phase], batch, output).backward();
  arena.finish_gradient();
  return arena.grad().clone();
}

// A net that a phase does not train must get no gradient at all: it costs time, and another optimizer would see it.
TEST(Lgaa, APhasesGradientIsOfItsOwnNetsAlone) {
  for (std::string const from : {"image", "code"}) {
    LgaaOptions options;
    options.net.domain_from = from;
    auto const learner = small(options);
    auto const& arena = learner->parameters();
    for (std::size_t phase = 0; phase < 3; ++phase) {
      auto const row = gradient(*learner, phase, random_batch(some_labels()));
      auto const& own = learner->phases()[phase].segments;
      std::set<int> const trained(own.begin(), own.end());
      for (int id = 0; id < static_cast<int>(arena.segments().size()); ++id) {
        auto const& segment = arena.segment(id);
        bool const moved = segment.of(row).abs().max().item<double>() > 0;
        if (!trained.contains(id)) {
          EXPECT_FALSE(moved) << learner->phases()[phase].name << " moves " << segment.name;
        } else if (segment.name.ends_with("weight") && phase != 0) {
          EXPECT_TRUE(moved) << learner->phases()[phase].name << " does not train " << segment.name;
        }
      }
    }
  }
}

TEST(Lgaa, TheCriticsPhaseLeavesAllRunningStatisticsAndTheGeneratorsMovesItsOwnAlone) {
  auto const learner = small();
  auto const& arena = learner->parameters();
  auto const buffers = [&] { return arena.buffers().narrow(0, 0, arena.buffers().size(0) - 16).clone(); };
  auto const before = buffers();
  static_cast<void>(gradient(*learner, 0, random_batch(some_labels())));
  EXPECT_TRUE(at::equal(buffers(), before));
  auto const x = random_batch(some_labels()).x;
  auto const logits = learner->infer(x).z;
  static_cast<void>(gradient(*learner, 1, random_batch(some_labels())));
  EXPECT_FALSE(at::equal(buffers(), before)) << "the generator's did not move";
  EXPECT_TRUE(at::equal(learner->infer(x).z, logits)) << "the encoder's moved";
}

TEST(Lgaa, SemiSupervisedWithAllLabelsIsSupervisedAndLabelsOfUnlabelledRowsAreNotRead) {
  LgaaOptions semi, un;
  semi.mode = "semi-supervised";
  un.mode = "unsupervised";
  auto const full = small(), part = small(semi), none = small(un);
  auto const labels = some_labels();
  auto const other = at::tensor({3, 2, 1, 0, 2, 3}, at::kLong);
  for (std::size_t phase = 0; phase < 3; ++phase) {
    // Noise is drawn for codes that might be needed, so phases that draw codes first differ by it; the inference phase
    // draws none.
    if (phase == 2) {
      EXPECT_TRUE(at::allclose(gradient(*full, phase, random_batch(labels)),
                               gradient(*part, phase, random_batch(labels)), 1e-4, 1e-6));
    }
    EXPECT_TRUE(at::equal(gradient(*none, phase, random_batch(labels)), gradient(*none, phase, random_batch(other))))
        << "unsupervised reads labels in " << full->phases()[phase].name;
    auto a = gradient(*full, phase, random_batch(labels)), b = gradient(*full, phase, random_batch(other));
    EXPECT_FALSE(at::equal(a, b)) << "supervised does not read them in " << full->phases()[phase].name;
  }
  // Without a label: only the labelled rows' cross-entropy, a mean over these.
  auto const half = at::tensor({0, -1, 2, -1, -1, -1}, at::kLong);
  static_cast<void>(gradient(*part, 2, random_batch(half)));
  auto const parts = part->loss_parts(random_batch(half), {});
  auto const category = parts.at("category").item<double>();
  EXPECT_GT(category, 0);
  static_cast<void>(gradient(*none, 2, random_batch(half)));
  EXPECT_FALSE(none->loss_parts(random_batch(half), {}).contains("category"));
}

/// Without what makes a pass depend on more than its rows: normalisation and dropout.
LgaaOptions plain_nets() {
  LgaaOptions options;
  options.net.norm = false;
  options.net.dropout = 0;
  return options;
}

at::Tensor entropy(at::Tensor const& logits, at::Tensor const& answer) {
  return at::log_softmax(logits, 1).gather(1, answer.unsqueeze(1)).squeeze(1).neg();
}

/// The loss of a phase, its noise from seed 7.
double loss_of(Lgaa& learner, std::size_t phase, Batch const& batch) {
  auto noise = seeded(7);
  learner.parameters().begin_gradient();
  auto const output = learner.forward(batch, {.training = true, .gates = nullptr}, noise);
  return learner.loss(learner.phases()[phase], batch, output).item<double>();
}

// Wrong: a sign, a weight or a term of the two losses that no other test holds against their formulas.
TEST(Lgaa, TheLossesAreTheirFormulas) {
  auto options = plain_nets();
  options.regression = 2;
  options.kl = 0.5;
  options.category = 3;
  options.domain = 0.25;
  auto const learner = small(options);
  auto const batch = random_batch(some_labels());
  auto const u = learner->category_code(batch.y()), a = learner->domain_code(batch.task());
  Pass const pass{};
  at::NoGradGuard const no_grad;
  auto const& net = learner->net();

  auto noise = seeded(7);
  auto const drawn = net.generate(draw_normal({6, 3}, noise, at::kCPU), u, a, pass);
  auto const fooled = net.critic.forward(drawn, pass).mean();
  auto const codes = entropy(net.category.forward(drawn, pass), batch.y()).mean() +
                     entropy(net.domains(drawn, {}, pass), batch.task()).mean();
  {
    at::AutoGradMode const grad(true);
    EXPECT_NEAR(loss_of(*learner, 1, batch), (2 * codes - fooled).item<double>(), 1e-4);
  }

  noise = seeded(7);
  auto const code = net.encode(batch.x, pass);
  auto const z = code.mu + (code.logvar * 0.5).exp() * draw_normal({6, 3}, noise, at::kCPU);
  auto const error = (net.generate(z, u, a, pass) - batch.x).square().flatten(1).sum(1).mean();
  auto const kl = 0.5 * (code.mu.square() + code.logvar.exp() - 1 - code.logvar).sum(1).mean();
  auto const category = entropy(net.category.forward(batch.x, pass), batch.y()).mean();
  auto const domain = entropy(net.domains(batch.x, {}, pass), batch.task()).mean();
  at::AutoGradMode const grad(true);
  EXPECT_NEAR(loss_of(*learner, 2, batch), (error + 0.5 * kl + 3 * category + 0.25 * domain).item<double>(), 1e-3);
}

// Wrong: beside as many replayed rows, all of which have labels, the few labels of a new task count next to nothing.
TEST(Lgaa, TheLabelledRowsOfAPartStandForItAll) {
  auto options = plain_nets();
  options.mode = "semi-supervised";
  options.domain = 0;
  auto const learner = small(options);
  auto const fresh = random_batch(at::tensor({0, -1, 2, -1, -1, -1}, at::kLong));
  auto const replayed = random_batch(at::tensor({1, 3, 0}, at::kLong), 0);
  auto const both = fresh.joined(replayed);
  static_cast<void>(gradient(*learner, 2, both));
  at::NoGradGuard const no_grad;
  auto const mean = [&](Batch const& batch, std::vector<std::int64_t> const& rows) {
    auto const index = at::tensor(rows, at::kLong);
    auto const logits = learner->net().category.forward(batch.x.index_select(0, index), {});
    return entropy(logits, batch.y().index_select(0, index)).mean().item<double>();
  };
  auto const expected = (6 * mean(fresh, {0, 2}) + 3 * mean(replayed, {0, 1, 2})) / 9;
  EXPECT_NEAR(learner->loss_parts(both, {}).at("category").item<double>(), expected, 1e-5);
}

TEST(Lgaa, RefusesMoreTasksThanItHasPlacesForBeforeAnythingIsBegun) {
  auto const learner = toy::learner("lgaa", {{"domains", 1}});
  Trainer trainer(*learner, StrategyList(Json{{"kind", "self-replay"}}, "strategy", 0), TrainOptions(), {}, 0);
  auto const message = message_of<ConfigError>([&] { trainer.run(toy::stream(2)); });
  EXPECT_NE(message.find("learner.domains: 1, but there is a task number 2"), std::string::npos) << message;
  EXPECT_EQ(trainer.steps(), 0);
}

// Wrong: the last step of the first epoch ends the run.
TEST(Lgaa, RefusesABatchThatLeavesOneSampleBeforeAnythingIsBegun) {
  for (bool const norm : {true, false}) {
    auto const learner = toy::learner("lgaa", {{"norm", norm}});
    TrainOptions train;
    train.epochs = 1;
    train.batch = 13;  // three batches and one of the 40
    Trainer trainer(*learner, {}, train, {}, 0);
    if (!norm) {
      trainer.run(toy::stream(1));
      continue;
    }
    auto const message = message_of<ConfigError>([&] { trainer.run(toy::stream(1)); });
    EXPECT_NE(message.find("train.batch: 13 leaves the last step of an epoch with 1 of the 40"), std::string::npos);
    EXPECT_EQ(trainer.steps(), 0);
  }
}

TEST(Lgaa, WeightsAreThoseOfRowsDrawnMoreOften) {
  auto const learner = small();
  auto batch = random_batch(some_labels());
  auto const plain = gradient(*learner, 2, batch);
  batch.weight = at::full({6}, 5.0, at::kFloat);
  EXPECT_TRUE(at::allclose(gradient(*learner, 2, batch), plain, 1e-4, 1e-6)) << "only their proportions count";
  batch.weight = at::tensor({1.0F, 1.0F, 0.0F, 0.0F, 0.0F, 0.0F});
  EXPECT_FALSE(at::allclose(gradient(*learner, 2, batch), plain, 1e-2, 1e-4));
}

TEST(Lgaa, RecallsTheDomainsAndClassesThatItMetAndNoOther) {
  auto const learner = small();
  auto noise = seeded(8);
  EXPECT_NE(message_of<ConfigError>([&] { static_cast<void>(learner->recall(2, noise)); }).find("not been trained"),
            std::string::npos);
  static_cast<void>(gradient(*learner, 0, random_batch(at::tensor({0, 0, 0, 2}, at::kLong), 1)));
  static_cast<void>(gradient(*learner, 0, random_batch(at::tensor({3, 3}, at::kLong), 3)));
  auto const copy = learner->snapshot();  // what was met goes with a copy
  auto const recalled = dynamic_cast<Lgaa&>(*copy).recall(4000, noise);
  EXPECT_EQ(recalled.x.sizes(), (std::vector<std::int64_t>{4000, 1, 8, 8}));
  auto const count = [&](std::int64_t domain, std::int64_t label) {
    return (recalled.domains.eq(domain) & recalled.labels.eq(label)).sum().item<double>() / 4000;
  };
  EXPECT_NEAR(count(1, 0), 0.375, 0.03);  // half of the samples, three quarters of these
  EXPECT_NEAR(count(1, 2), 0.125, 0.03);
  EXPECT_NEAR(count(3, 3), 0.5, 0.03);
  EXPECT_NEAR(count(1, 0) + count(1, 2) + count(3, 3), 1, 1e-9);
}

TEST(Lgaa, EveryCodeReachesTheImageAndAnySizeAndNumberOfChannelsServes) {
  for (auto const& [networks, shape] : {std::pair<std::string, Shape>{"l-vaegan", {1, 28, 28}},
                                        {"l-vaegan", {3, 32, 32}},
                                        {"l-vaegan", {2, 6, 9}},
                                        {"lgaa", {3, 32, 32}},
                                        {"lgaa", {2, 6, 9}}}) {
    LgaaOptions options;
    options.net.networks = networks;
    auto const learner = small(options, shape);
    auto noise = seeded(9);
    auto const one = at::ones({1}, at::kLong), two = one + 1;
    auto const z = draw_normal({1, 3}, noise, at::kCPU);
    auto const image = [&](at::Tensor const& code, at::Tensor const& label, at::Tensor const& domain) {
      return learner->decode({code, learner->category_code(label), learner->domain_code(domain)});
    };
    auto const first = image(z, one, one);
    EXPECT_EQ(first.sizes().vec(), with_count(1, shape));
    EXPECT_FALSE(at::equal(first, image(z + 1, one, one)));
    EXPECT_FALSE(at::equal(first, image(z, two, one)));
    EXPECT_FALSE(at::equal(first, image(z, one, two)));
    auto const batch = random_batch(some_labels(), 0, shape);
    EXPECT_EQ(learner->reconstruct(batch.x, noise).sizes(), batch.x.sizes());
    for (std::size_t phase = 0; phase < 3; ++phase)
      EXPECT_GT(gradient(*learner, phase, batch).norm().item<double>(), 0);
  }
}

// Wrong: a layer of the published networks is missing, or is of another size.
TEST(Lgaa, HasTheParametersOfThePublishedNetworks) {
  auto const count = [](std::string const& networks, Shape const& shape, std::int64_t latent, std::string const& net) {
    LgaaOptions options;
    options.net = {.networks = networks, .latent = latent, .domains = 2};
    Lgaa const learner({shape, 10, at::kCPU}, options, nullptr);
    std::int64_t sum = 0;
    for (auto const& segment : learner.parameters().segments())
      if (segment.name.starts_with(net + ".")) sum += segment.size;
    return sum;
  };
  // Weights; then biases, or two numbers of a normalisation for each map.
  auto const z = 128 + 10 + 2;
  auto const maps = 256 * 256 * 9 + 2 * 256;
  EXPECT_EQ(count("lgaa", {3, 32, 32}, 128, "generator"), z * 16384 + 2 * 16384 + 4 * maps + 256 * 3 * 9 + 3);
  auto const first = 3 * 64 * 9 + 64;
  auto const further = (64 * 128 + 128 * 256 + 256 * 512) * 9;
  EXPECT_EQ(count("lgaa", {3, 32, 32}, 128, "critic"), first + further + 896 + 2048 * 1024 + 1024 + 1024 + 1);
  EXPECT_EQ(count("lgaa", {3, 32, 32}, 128, "encoder"),
            first + further + 2 * 896 + 2048 * 1024 + 1024 + 1024 * 256 + 256);
  EXPECT_EQ(count("l-vaegan", {1, 28, 28}, 32, "critic"),
            64 * 16 + 64 + 64 * 128 * 16 + 128 + 6272 * 1024 + 1024 + 1024 + 1);
}

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
  Json const options = {{"phase_schedule", "alternating"}};
  std::vector<at::Tensor> after;
  for (std::int64_t epochs = 0; epochs <= 2; ++epochs) {
    auto const learner = toy::learner("lgaa", options);
    TrainOptions train;
    train.epochs = epochs;
    train.batch = 8;
    train.log_every = 1;
    Trainer trainer(*learner, {}, train, {}, 0);
    trainer.learn(toy::task("toy-0", 0));
    after.push_back(learner->parameters().value().clone());
    auto const& model = dynamic_cast<Lgaa const&>(*learner);
    if (epochs == 1) {
      EXPECT_EQ(moved(model, after[0]), (std::set<std::string>{"critic", "generator"}));
    } else if (epochs == 2) {
      EXPECT_EQ(moved(model, after[1]), (std::set<std::string>{"generator", "encoder", "category", "domain"}));
    }
  }
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

TEST(Lgaa, RefusesModelsWithoutThePartThatIsAskedFor) {
  LgaaOptions vae, gan;
  vae.model = "vae";
  vae.phase_schedule = "alternating";
  EXPECT_NE(message_of<ConfigError>([&] { small(vae); }).find("interleaved"), std::string::npos);
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
