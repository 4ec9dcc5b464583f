// Streams: if these fail, tasks are not made of the data that their names say.
#include <gtest/gtest.h>
#include <torch/types.h>

#include "mneme/core/errors.hpp"
#include "mneme/stream/batch.hpp"
#include "mneme/stream/makers.hpp"
#include "mneme/testing/toy.hpp"
#include "tests/io/support.hpp"

namespace mneme {
namespace {

/// Images whose pixels say where they stand; training and test set are the same images.
Dataset source(std::string const& name, std::string const&) {
  if (name == "arrow") {  // 3 x 3: an L that is different in every direction
    auto const image = at::tensor({1, 0, 0, 2, 0, 0, 3, 4, 5}, at::kByte).view({1, 1, 3, 3}).mul(50);
    return {name, image, at::zeros({1}, at::kLong), {"only"}};
  }
  if (name == "rows") return {name, at::rand({8, 5}), at::arange(8).remainder(4), {"a", "b", "c", "d"}};
  return toy::images(name, 8);
}

Stream make(std::string const& kind, Json const& options, std::uint64_t seed = 0) {
  return find_row(stream_table(), "stream", kind).make(options, "stream", source, seed);
}

Task const& task(Stream const& stream, std::size_t t) { return *stream.tasks().at(t); }

TEST(Split, DealsOutTheClassesInOrder) {
  auto const stream = make("split", {{"dataset", "toy"}, {"tasks", 2}, {"order", {2, 0, 3, 1}}});
  EXPECT_EQ(stream.scenario, "class-incremental");
  EXPECT_EQ(stream.classes, 4);
  EXPECT_EQ(task(stream, 0).classes, (std::vector<std::int64_t>{0, 2}));
  EXPECT_TRUE(at::equal(task(stream, 0).train.labels(), at::tensor({0, 2, 0, 2}, at::kLong)));
  EXPECT_TRUE(at::equal(task(stream, 1).test.labels(), at::tensor({1, 3, 1, 3}, at::kLong)));
  EXPECT_TRUE(at::equal(task(stream, 1).train.data()[0], source("toy", "").data()[1]));
}

TEST(Split, InDomainScenarioCountsLabelsWithinTheTask) {
  auto const stream =
      make("split", {{"dataset", "toy"}, {"tasks", 2}, {"scenario", "domain"}, {"order", {2, 0, 3, 1}}});
  EXPECT_EQ(stream.classes, 2);
  EXPECT_TRUE(at::equal(task(stream, 0).train.labels(), at::tensor({1, 0, 1, 0}, at::kLong)))
      << "class 2 comes first in the order, so it is 0";
}

TEST(Split, RefusesWhatDoesNotAddUp) {
  EXPECT_THROW(make("split", {{"dataset", "toy"}, {"tasks", 3}}), ConfigError);
  EXPECT_THROW(make("split", {{"dataset", "toy"}, {"tasks", 2}, {"order", {0, 1, 2, 2}}}), ConfigError);
  EXPECT_THROW(make("split", {{"dataset", "toy"}, {"tasks", 2}, {"order", {0, 1}}}), ConfigError);
  EXPECT_THROW(make("split", {{"dataset", "toy"}, {"task", 2}}), ConfigError);
}

/// Sets of one sample per class, the classes named by letters: "abc" has "a" as output 0.
Stream domain_of(std::vector<std::string> const& sets) {
  auto const source = [](std::string const& name, std::string const&) {
    std::vector<std::string> classes;
    for (char const letter : name) classes.emplace_back(1, letter);
    auto const count = static_cast<std::int64_t>(classes.size());
    return Dataset(name, at::rand({count, 5}), at::arange(count), classes);
  };
  return find_row(stream_table(), "stream", "domain").make({{"datasets", sets}}, "stream", source, 0);
}

// Wrong: a class that both sets have is learnt as two outputs, and the second task undoes the first.
TEST(Domain, RefusesAClassThatIsAnotherOutputInASecondSet) {
  test::expect_mentions(message_of<ConfigError>([] {
                          static_cast<void>(domain_of({"ab", "ba"}));
                        }),
                        {"stream.datasets", "'a'", "output 0 in 'ab'", "output 1 in 'ba'"});
  test::expect_mentions(message_of<ConfigError>([] {
                          static_cast<void>(domain_of({"abc", "bc"}));
                        }),
                        {"'abc'", "'bc'"});
  EXPECT_EQ(domain_of({"ab", "abc"}).classes, 3) << "the same classes in the same order";
  EXPECT_EQ(domain_of({"abc", "xyz"}).classes, 3) << "other names for the same outputs: digits and clothes";
}

TEST(Domain, ComparesEverySetWithAllBeforeIt) {
  EXPECT_THROW(static_cast<void>(domain_of({"ab", "abcd", "abdc"})), ConfigError) << "c and d change their places";
}

TEST(Permuted, IsOnePermutationPerTaskForTrainingAndTest) {
  Json const options = {{"dataset", "toy"}, {"tasks", 3}};
  auto const stream = make("permuted", options), same = make("permuted", options), other = make("permuted", options, 1);
  auto const plain = source("toy", "").data();
  EXPECT_TRUE(at::equal(task(stream, 0).train.data(), plain)) << "the first task is as it is";
  auto const first = task(stream, 1).train.data();
  EXPECT_FALSE(at::equal(first, plain));
  EXPECT_TRUE(at::equal(first, task(stream, 1).test.data())) << "training and test are permuted differently";
  EXPECT_TRUE(at::equal(first, task(same, 1).train.data())) << "the same seed gives other permutations";
  EXPECT_FALSE(at::equal(first, task(other, 1).train.data()));
  EXPECT_FALSE(at::equal(first, task(stream, 2).train.data()));
  EXPECT_TRUE(at::equal(std::get<0>(first.flatten(1).sort(1)), std::get<0>(plain.flatten(1).sort(1))))
      << "it is no permutation of the pixels";
  EXPECT_NE(task(stream, 1).name, task(stream, 2).name);
  EXPECT_FALSE(at::equal(
      task(make("permuted", {{"dataset", "toy"}, {"tasks", 1}, {"first_plain", false}}), 0).train.data(), plain));
}

TEST(Rotated, TurnsImagesAnticlockwise) {
  auto const stream = make("rotated", {{"dataset", "arrow"}, {"degrees", {0.0, 90.0, 180.0}}});
  auto const turned = [&](std::size_t t) { return task(stream, t).train.data()[0][0].div(50, "floor"); };
  EXPECT_TRUE(at::equal(turned(0), at::tensor({1, 0, 0, 2, 0, 0, 3, 4, 5}, at::kByte).view({3, 3})));
  // The foot of the L, at the bottom right, goes to the top right.
  EXPECT_TRUE(at::equal(turned(1), at::tensor({0, 0, 5, 0, 0, 4, 1, 2, 3}, at::kByte).view({3, 3}))) << turned(1);
  EXPECT_TRUE(at::equal(turned(2), at::tensor({5, 4, 3, 0, 0, 2, 0, 0, 1}, at::kByte).view({3, 3}))) << turned(2);
  EXPECT_EQ(task(stream, 1).name, "arrow-rotated-90");
  EXPECT_TRUE(at::equal(task(stream, 1).train.data(), task(stream, 1).test.data()));
  EXPECT_THROW(make("rotated", {{"dataset", "rows"}}), ConfigError) << "rows of numbers cannot be rotated";
}

TEST(Domain, TakesDataSetsAsTasksAndTellsRepeatsApart) {
  auto const stream = make("domain", {{"datasets", {"toy", "other", "toy"}}});
  EXPECT_EQ(stream.tasks().size(), 3U);
  EXPECT_EQ(task(stream, 2).name, "toy-2") << "two columns of the matrix would have one name";
  EXPECT_EQ(task(stream, 2).id, 2);
  EXPECT_EQ(stream.classes, 4);
  EXPECT_THROW(make("domain", {{"datasets", {"toy", "arrow"}}}), ConfigError);
  EXPECT_THROW(make("domain", {{"datasets", Json::array()}}), ConfigError);
}

TEST(Joint, IsOneTaskOnTheUnionTestedOnEach) {
  auto const stream = toy::stream(3, 8);
  auto const joint = joint_of(stream);
  ASSERT_EQ(joint.events.size(), 1U);
  auto const& union_task = std::get<Task>(joint.events.front());
  EXPECT_EQ(union_task.train.size(), 24);
  EXPECT_TRUE(at::equal(union_task.train.data().narrow(0, 8, 8), std::get<Task>(stream.events[1]).train.data()));
  ASSERT_EQ(joint.tested().size(), 3U);
  EXPECT_EQ(joint.tested()[2]->name, "toy-2");
}

TEST(Batch, HidesWhatTheStreamHides) {
  auto const x = at::ones({2, 3});
  auto const y = at::tensor({0, 1}, at::kLong);
  EXPECT_TRUE(at::equal(Batch(x, y, 7, Visibility{}).task(), at::full({2}, 7, at::kLong)));
  EXPECT_THROW(static_cast<void>(Batch(x, y, 7, Visibility{.task_at_training = false}).task()), VisibilityError);
  EXPECT_THROW(static_cast<void>(Batch(x, y).task()), VisibilityError) << "a test batch carries no task id";
  EXPECT_THROW(static_cast<void>(Batch(x, at::Tensor()).y()), VisibilityError);
}

TEST(Batch, JoinedKeepsRowsPartsAndWeights) {
  Batch const now(at::ones({2, 3}), at::tensor({0, 1}, at::kLong), 5, Visibility{});
  Batch past(at::zeros({3, 3}), at::tensor({2, 2, 2}, at::kLong), 4, Visibility{});
  past.parts.front().origin = BatchPart::Origin::kMemory;
  past.weight = at::full({3}, 0.5F);
  auto const both = now.joined(past);
  EXPECT_EQ(both.size(), 5);
  EXPECT_TRUE(at::equal(both.y(), at::tensor({0, 1, 2, 2, 2}, at::kLong)));
  EXPECT_TRUE(at::equal(both.task(), at::tensor({5, 5, 4, 4, 4}, at::kLong)));
  EXPECT_TRUE(at::equal(both.weight, at::tensor({1.0F, 1.0F, 0.5F, 0.5F, 0.5F})));
  ASSERT_EQ(both.parts.size(), 2U);
  EXPECT_EQ(both.parts[1].origin, BatchPart::Origin::kMemory);
  EXPECT_EQ(both.parts[1].first, 2);
  EXPECT_EQ(both.parts[1].count, 3);
}

}  // namespace
}  // namespace mneme
