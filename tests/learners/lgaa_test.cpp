// The lifelong generative adversarial autoencoder: if these fail, a phase trains what is not its own, a mode reads
// labels that it should not, or the model draws what it never met.
#include "mneme/learners/lgaa.hpp"

#include <gtest/gtest.h>

#include "mneme/core/errors.hpp"
#include "mneme/testing/toy.hpp"
#include "tests/core/message_of.hpp"
#include "tests/learners/lgaa_support.hpp"

namespace mneme {
namespace {

using namespace test;  // lgaa_support.hpp

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
        } else if (segment.name.ends_with("weight")) {
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

}  // namespace
}  // namespace mneme
