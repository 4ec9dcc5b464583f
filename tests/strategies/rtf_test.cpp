// Replay through feedback and brain-inspired replay, learner and strategy: if these fail, the net does not learn to
// generate what it recognises, or its samples do not stand for the past as they should.
#include "mneme/strategies/rtf.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <numbers>

#include "mneme/core/seed.hpp"
#include "mneme/learners/rtf.hpp"
#include "tests/nets/oracle.hpp"
#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

/// The learner's losses in double, from its parameters alone. With modes where the net has them.
struct Feedback {
  explicit Feedback(Learner& learner)
      : oracle(learner.parameters()), gates(dynamic_cast<RtfLearner&>(learner).decoder_gates()) {}

  [[nodiscard]] bool modes() const { return oracle.named.contains("prior.mu.weight"); }
  [[nodiscard]] at::Tensor hidden(at::Tensor const& x) const {
    return oracle.linear("encoder.fc1", x.flatten(1).to(at::kDouble)).relu();
  }
  [[nodiscard]] at::Tensor logits(at::Tensor const& x) const { return oracle.linear("head", hidden(x)); }
  /// Probabilities of pixels for codes z of the classes y.
  [[nodiscard]] at::Tensor decode(at::Tensor const& z, at::Tensor const& y) const {
    auto h = oracle.linear("decoder.fc1", z).relu();
    if (gates.defined()) h = h * gates.index_select(0, y).select(1, 0).to(at::kDouble);
    return oracle.linear("decoder.pixels", h).sigmoid();
  }
  /// Means, or logarithms of the variances, of the modes of the classes y [N, latent].
  [[nodiscard]] at::Tensor mode(std::string const& name, at::Tensor const& y) const {
    return oracle.linear("prior." + name, at::one_hot(y, toy::kClasses).to(at::kDouble));
  }
  /// log N(z; mu, sigma^2) with all its constants.
  static at::Tensor log_normal(at::Tensor const& z, at::Tensor const& mu, at::Tensor const& logvar) {
    return -0.5 * ((z - mu).square() / logvar.exp() + logvar + std::log(2 * std::numbers::pi)).sum(-1);
  }
  /// (BCE + KL) / 36 of each sample; `weights` [N, C]: of the modes.
  [[nodiscard]] at::Tensor generative(at::Tensor const& images, at::Tensor const& y, at::Tensor const& epsilon,
                                      at::Tensor const& weights) const {
    auto const x = images.flatten(1).to(at::kDouble);
    auto const h = hidden(images);
    auto const mu = oracle.linear("encoder.mu", h), logvar = oracle.linear("encoder.logvar", h);
    auto const z = mu + (logvar / 2).exp() * epsilon;
    auto const p = decode(z, y);
    auto const bce = -(x * p.log() + (1 - x) * (1 - p).log()).sum(1);
    if (!modes()) return (bce - 0.5 * (1 + logvar - mu.square() - logvar.exp()).sum(1)) / 36;
    auto const all = at::arange(toy::kClasses, at::kLong);
    auto const each = log_normal(z.unsqueeze(1), mode("mu", all), mode("logvar", all));
    return (bce + log_normal(z, mu, logvar) - (each.exp() * weights).sum(1).log()) / 36;
  }

  Oracle oracle;
  at::Tensor gates;
};

at::Tensor indicators(at::Tensor const& y) { return at::one_hot(y, toy::kClasses).to(at::kDouble); }
at::Tensor cross_entropies(at::Tensor const& logits, at::Tensor const& y) {
  return -(indicators(y) * at::log_softmax(logits, 1)).sum(1);
}

std::unique_ptr<Learner> small(std::string const& kind, Json options = Json::object()) {
  options["layers"] = 1;
  if (kind == "bi-r") options["gated"] = 0.25;
  return toy::learner(kind, options);
}

TEST(RtfLearner, LossAndGradientEqualAFloat64OracleWithTheSameNoise) {
  auto const data = toy::images("toy-0", 12);
  Batch const batch(data.slice(0, 12), data.labels());
  for (auto const* kind : {"rtf", "bi-r"}) {
    auto const learner = small(kind);
    if (std::string(kind) == "bi-r") {
      auto& arena = learner->parameters();
      arena.value(arena.find("prior.logvar.weight")).copy_(at::linspace(-1, 1, 8).view({2, 4}));
    }
    auto noise = RandomStreams(3).fresh("noise"), same = RandomStreams(3).fresh("noise");
    auto const row = learner->parameters().new_row();
    learner->gradient(batch, row, noise);
    auto const epsilon = at::empty({12, 2}).normal_(0, 1, same).to(at::kDouble);
    Feedback const net(*learner);
    auto const loss = net.generative(batch.x, batch.y(), epsilon, indicators(batch.y())) +
                      cross_entropies(net.logits(batch.x), batch.y());
    EXPECT_LT(relative_error(row, net.oracle.gradient(loss.mean())), 1e-5) << kind;
  }
}

TEST(RtfLearner, WithoutAGradientOnlyTheClassifierRunsAndNeedsNoLabels) {
  auto const learner = small("bi-r");
  at::NoGradGuard const no_grad;
  auto noise = RandomStreams(0).fresh("noise");
  auto const x = toy::images("toy-0", 12).slice(0, 12);
  auto const before = noise.get_state();
  auto const output = learner->forward({x, {}}, {}, noise);
  EXPECT_TRUE(output.more.empty());
  EXPECT_TRUE(at::equal(noise.get_state(), before));
  EXPECT_TRUE(at::allclose(output.logits.to(at::kDouble), Feedback(*learner).logits(x), 1e-5, 1e-6));
}

TEST(BirLearner, GatesShutTheSameShareOfUnitsForEachClass) {
  auto const learner = toy::learner("bi-r", {{"gated", 0.25}, {"layers", 2}});
  auto const& gates = dynamic_cast<RtfLearner&>(*learner).decoder_gates();
  EXPECT_EQ(gates.sizes(), (std::vector<std::int64_t>{4, 2, 8}));
  EXPECT_TRUE(gates.sum(2).eq(6).all().item<bool>());
  EXPECT_FALSE(at::equal(gates[0], gates[1])) << "the classes share one part";
  auto const copy = learner->snapshot();
  EXPECT_TRUE(at::equal(dynamic_cast<RtfLearner&>(*copy).decoder_gates(), gates)) << "a copy decodes otherwise";
}

TEST(BirLearner, SamplesComeFromTheModeAndTheUnitsOfTheirClass) {
  auto const learner = small("bi-r");
  auto& arena = learner->parameters();
  arena.value(arena.find("prior.logvar.bias")).fill_(std::log(0.25));
  auto const y = at::tensor({0, 3, 3, 1, 2}, at::kLong);
  auto noise = RandomStreams(3).fresh("noise"), same = RandomStreams(3).fresh("noise");
  auto const images = dynamic_cast<RtfLearner&>(*learner).sample(y, noise);
  auto const epsilon = at::empty({5, 2}).normal_(0, 1, same).to(at::kDouble);
  Feedback const net(*learner);
  auto const z = net.mode("mu", y) + 0.5 * epsilon;
  EXPECT_LT((images.flatten(1) - net.decode(z, y)).abs().max().item<double>(), 1e-5);
}

/// Runs the strategy on its learner with a probe behind it that sees each step's gradient before the update.
void watch(std::string const& kind, Stream const& stream, std::function<void(StepContext&)> const& at_gradient,
           std::function<void(EventContext&)> const& at_end) {
  auto list = test::listed({{"kind", kind}});
  auto probe = std::make_unique<test::Scripted>();
  probe->on_observe = [&](StepContext& c) {
    at::AutoGradMode const grad(true);
    at_gradient(c);
  };
  probe->on_end = at_end;
  list.add("probe", std::move(probe), 0);
  auto const learner = small(kind, {{"head", "growing"}});
  auto options = RunRecipe::toy().train;
  options.epochs = 1;
  Trainer trainer(*learner, std::move(list), options, {}, 0);
  trainer.run(stream);
}

/// `classes`: 0, 1, … of so many are learnt before each event but the first.
void expect_replay(std::string const& kind, Stream const& stream, std::int64_t classes) {
  std::unique_ptr<Feedback> past;
  auto draws = RandomStreams(stream_seed(0, "strategy/" + kind)).fresh("replay");
  auto noise = RandomStreams(0).fresh("noise");
  auto const old = at::arange(4, at::kDouble).lt(static_cast<double>(classes)).to(at::kDouble);
  int replays = 0;
  watch(
      kind, stream,
      [&](StepContext& c) {
        auto const& b = c.batch;
        auto const epsilon = at::empty({b.size(), 2}).normal_(0, 1, noise).to(at::kDouble);
        if (c.first()) return;
        ++replays;
        auto const drawn = at::randint(classes, {8}, draws, at::kLong);
        auto z = at::empty({8, 2}).normal_(0, 1, draws).to(at::kDouble);
        static_cast<void>(at::randint(c.index, {8}, draws, at::kLong));  // the task of each
        if (past->modes()) z = z * (past->mode("logvar", drawn) / 2).exp() + past->mode("mu", drawn);
        auto const made = b.rows(8, 8);
        ASSERT_EQ(b.size(), 16);
        EXPECT_EQ(b.parts[1].origin, BatchPart::Origin::kGenerated);
        EXPECT_LT((made.x.flatten(1) - past->decode(z, drawn)).abs().max().item<double>(), 1e-5);
        auto const labels = (past->logits(made.x).exp() * old).argmax(1);
        EXPECT_TRUE(at::equal(made.y(), kind == "bi-r" ? drawn : labels));

        auto const softened = (past->logits(made.x) / 2).exp() * old;
        auto const q = (softened / softened.sum(1, true)).detach();
        Feedback const net(c.learner);
        auto const y = b.y().narrow(0, 0, 8);
        auto const current = net.generative(b.x.narrow(0, 0, 8), y, epsilon.narrow(0, 0, 8), indicators(y)).mean() +
                             cross_entropies(net.logits(b.x.narrow(0, 0, 8)), y).mean();
        auto const kd = -4 * (q * at::log_softmax(net.logits(made.x) / 2, 1)).sum(1).mean();
        auto const replay = net.generative(made.x, made.y(), epsilon.narrow(0, 8, 8), q).mean() + kd;
        double const t = static_cast<double>(c.index) + 1;
        auto const expected = net.oracle.gradient(current / t + replay * (1 - 1 / t));
        EXPECT_LT(relative_error(c.parameters().grad(), expected), 1e-4) << "event " << c.index;
      },
      [&](EventContext& c) { past = std::make_unique<Feedback>(c.learner); });
  EXPECT_EQ(replays, 5 * (static_cast<int>(stream.events.size()) - 1));
}

TEST(Rtf, ReplaysTheLastNetsSamplesWithItsSoftenedOutputs) {
  for (std::string const kind : {"rtf", "bi-r"}) {
    SCOPED_TRACE(kind);
    expect_replay(kind, toy::split_stream(false), 2);
    expect_replay(kind, toy::stream(3), 4);
  }
}

TEST(Rtf, KeepsOneCopyOfTheNet) {
  auto list = test::listed("rtf");
  auto& strategy = *list.members()[0].strategy;
  auto const learner = small("rtf");
  Trainer trainer(*learner, std::move(list), RunRecipe::toy().train, {}, 0);
  trainer.run(toy::stream(2));
  Archive archive;
  strategy.state(archive);
  ASSERT_EQ(archive.tensors().size(), 1U);
  EXPECT_TRUE(at::equal(archive.tensors().begin()->second, learner->parameters().value()));
}

TEST(Rtf, RemembersWhatPlainTrainingOfItsLearnerForgets) {
  auto options = RunRecipe::toy().train;
  options.epochs = 60;
  auto const first_task = [&](std::string const& strategy, std::string const& kind) {
    auto const learner = toy::learner(kind, {{"head", "growing"}, {"hidden", 32}, {"layers", 1}});
    Trainer trainer(*learner, test::listed(strategy), options, {}, 0);
    trainer.run(toy::split_stream(false));
    return *trainer.matrix().values.back()[0];
  };
  for (std::string const kind : {"rtf", "bi-r"})
    EXPECT_GT(first_task(kind, kind), first_task("naive", kind) + 0.3) << kind;
}

}  // namespace
}  // namespace mneme
