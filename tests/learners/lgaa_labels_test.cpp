// What the lifelong generative adversarial autoencoder makes of labels, or of their absence, and what its loss reads:
// if these fail, a net is never trained, codes are measured as classes, or domains have classes that they never had.
#include <gtest/gtest.h>

#include <set>

#include "mneme/core/errors.hpp"
#include "mneme/core/seed.hpp"
#include "mneme/importance/fisher.hpp"
#include "mneme/learners/lgaa.hpp"
#include "mneme/testing/toy.hpp"
#include "tests/core/message_of.hpp"
#include "tests/learners/lgaa_support.hpp"

namespace mneme {
namespace {

using namespace test;  // lgaa_support.hpp

// Wrong: a net that no term trains answers as it was drawn, and the generator is taught by it; the run says nothing.
TEST(Lgaa, RefusesWeightsThatLeaveANetUntrained) {
  for (auto const* net : {"category", "domain"}) {
    auto const refusal = [&](Json options) {
      options[net] = 0;
      return message_of<ConfigError>([&] { static_cast<void>(toy::learner("lgaa", options)); });
    };
    for (Json const& untrained : std::vector<Json>{Json::object(), {{"model", "vae"}}, {{"model", "gan"}}})
      EXPECT_NE(refusal(untrained).find(std::string("learner.") + net + ": with 0 nothing trains"), std::string::npos)
          << untrained;
    LgaaOptions options;
    options.codes = "inferred";
    options.kl_known = true;
    (net == std::string("category") ? options.category : options.domain) = 0;
    auto const learner = small(options);
    auto const row = gradient(*learner, 2, random_batch(some_labels()));
    for (auto const& segment : learner->parameters().segments()) {
      if (!segment.name.starts_with(std::string(net) + ".") || !segment.name.ends_with("weight")) continue;
      EXPECT_GT(segment.of(row).abs().max().item<double>(), 0) << segment.name;
    }
  }
  EXPECT_NE(message_of<ConfigError>([&] {
              static_cast<void>(toy::learner("lgaa", {{"model", "gan"}, {"mode", "unsupervised"}}));
            }).find("no term that trains q(u|x)"),
            std::string::npos);
}

// Wrong: codes that were found without labels are compared with labels, and the share of hits is the headline.
TEST(Lgaa, UnsupervisedIsMeasuredByWhatItReconstructs) {
  LgaaOptions options;
  options.mode = "unsupervised";
  auto const learner = small(options), labelled = small();
  EXPECT_EQ(learner->metrics().front().name, "squared_error");
  EXPECT_FALSE(learner->metrics().front().higher_is_better);
  auto const batch = random_batch(some_labels());
  auto noise = RandomStreams(0).fresh("test");
  auto const values = learner->measure(batch, learner->forward(batch, {}, noise));
  auto const all = labelled->measure(batch, labelled->forward(batch, {}, noise));
  for (std::size_t i = 0; i < learner->metrics().size(); ++i)
    for (std::size_t j = 0; j < labelled->metrics().size(); ++j) {
      EXPECT_NE(learner->metrics()[i].name, "accuracy");
      if (learner->metrics()[i].name != labelled->metrics()[j].name) continue;
      EXPECT_EQ(values[static_cast<std::int64_t>(i)].item<double>(), all[static_cast<std::int64_t>(j)].item<double>())
          << learner->metrics()[i].name;
    }
  auto const unlabelled = random_batch(at::full_like(some_labels(), -1));
  EXPECT_TRUE(at::isfinite(learner->measure(unlabelled, learner->forward(unlabelled, {}, noise))).all().item<bool>());
}

// Wrong: what is replayed adds classes to a domain that it never had, and from then on they are drawn.
TEST(Lgaa, MeetsRealSamplesAlone) {
  auto const learner = small();
  auto replayed = random_batch(at::full_like(some_labels(), 3), 1);
  replayed.parts.front().origin = BatchPart::Origin::kGenerated;
  static_cast<void>(gradient(*learner, 0, random_batch(at::zeros_like(some_labels())).joined(replayed)));
  auto const met = learner->met();
  EXPECT_EQ(met.sum().item<std::int64_t>(), 1);
  EXPECT_TRUE(met[1][0].item<bool>());
}

TEST(Lgaa, NamesTheMostProbableClassOfThosePossible) {
  auto const learner = small();
  auto const x = random_batch(some_labels()).x;
  auto const any = learner->classes_of(x, {});
  auto possible = at::ones({x.size(0), 4}, at::kBool);
  for (std::int64_t i = 0; i < x.size(0); ++i) possible[i][any[i].item<std::int64_t>()] = false;
  auto const other = learner->classes_of(x, possible);
  EXPECT_FALSE(other.eq(any).any().item<bool>());
  EXPECT_TRUE(at::equal(learner->classes_of(x, at::ones_like(possible)), any));
}

// Wrong: a penalty on the weights of a model that draws goes by its classifier alone, and holds nothing that draws.
TEST(Lgaa, ImportanceIsOfAllThatItsLossReads) {
  auto const learner = toy::learner("lgaa");
  auto noise = RandomStreams(0).fresh("noise"), choice = RandomStreams(0).fresh("choice");
  FisherOptions options;
  options.samples = 8;
  auto const data = toy::task("toy-0", 0).train;
  auto const row =
      diagonal_fisher({.learner = *learner, .data = data, .options = options, .choice = choice, .noise = noise});
  std::set<std::string> nets;
  for (auto const& segment : learner->parameters().segments())
    if (segment.of(row).abs().max().item<double>() > 0) nets.insert(segment.name.substr(0, segment.name.find('.')));
  for (auto const* net : {"generator", "encoder", "category"}) EXPECT_TRUE(nets.contains(net)) << net;
  EXPECT_FALSE(nets.contains("critic"));
}

}  // namespace
}  // namespace mneme
