// Drawing: if these fail, `mneme sample` shows another class or domain than was asked for, or one that was never
// learnt.
#include "mneme/experiment/drawing.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "mneme/learners/conditional.hpp"
#include "mneme/learners/recalls.hpp"
#include "mneme/testing/recipe.hpp"
#include "mneme/testing/toy.hpp"
#include "tests/core/message_of.hpp"

namespace mneme {
namespace {

/// An arm that has learnt the first `events` of its stream.
LoadedArm arm_of(std::string const& kind, Json const& strategy, Stream stream, std::size_t events) {
  LoadedArm arm;
  arm.stream = std::move(stream);
  arm.learner = toy::learner(kind);
  arm.trainer = std::make_unique<Trainer>(*arm.learner, StrategyList(strategy, "strategy", 0), RunRecipe::toy().train,
                                          EvaluationOptions(), 0);
  auto part = arm.stream;
  part.events.resize(events);
  arm.trainer->run(part);
  return arm;
}

LoadedArm two_of_three() { return arm_of("lgaa", "self-replay", toy::stream(3), 2); }

std::string refusal(LoadedArm& arm, DrawRequest const& request) {
  return message_of<ConfigError>([&] { static_cast<void>(draw(arm, request)); });
}

TEST(Drawing, OfADomainAndClassIsWhatTheModelDrawsForThem) {
  auto arm = two_of_three();
  auto const& model = dynamic_cast<Recalls const&>(*arm.learner);
  auto noise = RandomStreams(7).fresh("sample");
  auto const expected = model.draw(at::full({6}, 2, at::kLong), at::full({6}, 1, at::kLong), noise);
  for (std::string const domain : {"toy-1", "1"})
    for (std::string const label : {"2", "c"}) {
      auto const found = draw(arm, {.domain = domain, .of_class = label, .count = 6, .seed = 7});
      EXPECT_TRUE(at::equal(found.images, expected)) << domain << " " << label;
      EXPECT_EQ(found.what, "class 2 (c) of toy-1");
    }
  EXPECT_FALSE(at::equal(draw(arm, {.domain = "toy-1", .of_class = "2", .count = 6, .seed = 8}).images, expected));
}

TEST(Drawing, WithoutADomainOrClassTakesAllThatWereMetInTurn) {
  auto arm = two_of_three();
  auto const& model = dynamic_cast<Recalls const&>(*arm.learner);
  auto noise = RandomStreams(0).fresh("sample");
  auto const place = at::arange(10, at::kLong).remainder(8);
  auto const expected = model.draw(place.remainder(4), place.div(4, "floor"), noise);
  EXPECT_TRUE(at::equal(draw(arm, {.count = 10}).images, expected));
  auto const of_one = draw(arm, {.of_class = "3", .count = 4});
  EXPECT_EQ(of_one.what, "class 3 (d) of every domain in turn");
}

TEST(Drawing, RefusesWhatWasNeverLearntAndNamesWhatWas) {
  auto arm = two_of_three();
  auto const unseen = refusal(arm, {.domain = "toy-2"});
  EXPECT_NE(unseen.find("has not met 'toy-2'"), std::string::npos) << unseen;
  EXPECT_NE(unseen.find("toy-0, toy-1"), std::string::npos) << unseen;
  EXPECT_NE(refusal(arm, {.domain = "toy"}).find("toy-0"), std::string::npos) << "a name that is none";
  EXPECT_NE(refusal(arm, {.domain = "9"}).find("no domain"), std::string::npos);
  auto const no_class = refusal(arm, {.domain = "toy-0", .of_class = "9"});
  EXPECT_NE(no_class.find("no class that was learnt of toy-0"), std::string::npos) << no_class;
  EXPECT_NE(no_class.find("class 0 (a), class 1 (b), class 2 (c), class 3 (d)"), std::string::npos) << no_class;
  EXPECT_NE(refusal(arm, {.of_class = "shoe"}).find("toy-0 or toy-1"), std::string::npos);
  auto fresh = arm_of("lgaa", "self-replay", toy::stream(2), 0);
  EXPECT_NE(refusal(fresh, {}).find("no domain yet"), std::string::npos);
}

TEST(Drawing, AsksOtherModelsForWhatTheyCan) {
  auto cvae = arm_of("cvae", "naive", toy::stream(2), 2);
  auto noise = RandomStreams(0).fresh("sample");
  auto const expected = dynamic_cast<Conditional const&>(*cvae.learner).sample_of(at::full({5}, 1, at::kLong), noise);
  EXPECT_TRUE(at::equal(draw(cvae, {.of_class = "b", .count = 5}).images, expected));
  EXPECT_NE(refusal(cvae, {.domain = "toy-0"}).find("has no code for a domain"), std::string::npos);
  EXPECT_NE(refusal(cvae, {.of_class = "4"}).find("class 3 (d)"), std::string::npos);

  auto vae = arm_of("vae", "naive", toy::stream(1), 1);
  EXPECT_EQ(draw(vae, {.domain = "toy-0", .count = 3}).images.size(0), 3) << "it has no other domain";
  EXPECT_NE(refusal(vae, {.of_class = "1"}).find("cannot be asked for a class"), std::string::npos);
  auto classifier = arm_of("classifier", "naive", toy::stream(1), 1);
  EXPECT_NE(refusal(classifier, {}).find("is a classifier, which draws nothing"), std::string::npos);
}

// Wrong: the newest column draws for every task.
TEST(Drawing, OfATaskThatIsToldIsAsInItsTest) {
  auto arm = arm_of("progressive-vae", "pnn", toy::split_stream(true), 2);
  EXPECT_NE(refusal(arm, {}).find("has to be told"), std::string::npos);
  auto const first = draw(arm, {.domain = "toy-0", .count = 4}).images;
  EXPECT_FALSE(at::equal(first, draw(arm, {.domain = "toy-1", .count = 4}).images));
  auto early = arm_of("progressive-vae", "pnn", toy::split_stream(true), 1);
  EXPECT_TRUE(at::equal(first, draw(early, {.domain = "toy-0", .count = 4}).images)) << "its column is frozen";
}

}  // namespace
}  // namespace mneme
