// Streams: if these fail, tasks are not made of the data that their names say.
#include <gtest/gtest.h>
#include <torch/types.h>

#include <set>

#include "mneme/core/errors.hpp"
#include "mneme/stream/batch.hpp"
#include "mneme/stream/makers.hpp"
#include "mneme/stream/output_names.hpp"
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
  if (name == "colour")  // 2 x 4, three channels
    return {name, at::arange(48, at::kByte).view({2, 3, 2, 4}), at::tensor({0, 1}, at::kLong), {"x", "y"}};
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

TEST(Split, TasksMayDifferInSize) {
  auto const sizes = make("split", {{"dataset", "toy"}, {"sizes", {1, 3}}, {"order", {2, 0, 3, 1}}});
  EXPECT_EQ(task(sizes, 0).classes, (std::vector<std::int64_t>{2}));
  EXPECT_EQ(task(sizes, 1).classes, (std::vector<std::int64_t>{0, 1, 3}));
  EXPECT_EQ(sizes.notes, (decltype(sizes.notes){{"class order", "2 0 3 1"}, {"classes per task", "1 3"}}));
  auto const steps = make("split", {{"dataset", "toy"}, {"first", 2}, {"step", 1}, {"scenario", "domain"}});
  ASSERT_EQ(steps.tasks().size(), 3U);
  EXPECT_EQ(task(steps, 2).train.size(), 2);
  EXPECT_EQ(steps.classes, 2) << "the largest task needs two outputs";
  EXPECT_EQ(make("split", {{"dataset", "toy"}, {"first", 4}}).tasks().size(), 1U);
}

TEST(Split, DrawsTheClassOrderFromTheSeedAndSaysIt) {
  Json const options = {{"dataset", "toy"}, {"tasks", 4}, {"shuffle", true}};
  std::set<std::string> orders;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    auto const stream = make("split", options, seed);
    EXPECT_EQ(stream.notes, make("split", options, seed).notes) << "the same seed gives another order";
    EXPECT_EQ(stream.notes[0].second.substr(0, 1), std::to_string(task(stream, 0).classes[0]));
    orders.insert(stream.notes[0].second);
  }
  EXPECT_GT(orders.size(), 3U) << "every seed gives the same order";
}

TEST(Split, RefusesWhatDoesNotAddUp) {
  EXPECT_THROW(make("split", {{"dataset", "toy"}, {"sizes", {1, 2}}}), ConfigError);
  EXPECT_THROW(make("split", {{"dataset", "toy"}, {"sizes", {4, 0}}}), ConfigError);
  EXPECT_THROW(make("split", {{"dataset", "toy"}, {"first", 1}, {"step", 2}}), ConfigError);
  EXPECT_THROW(make("split", {{"dataset", "toy"}, {"first", 1}}), ConfigError);
  EXPECT_THROW(make("split", {{"dataset", "toy"}, {"first", 5}, {"step", 1}}), ConfigError);
  EXPECT_THROW(make("split", {{"dataset", "toy"}, {"tasks", 2}, {"step", 2}}), ConfigError);
  EXPECT_THROW(make("split", {{"dataset", "toy"}, {"shuffle", true}, {"order", {0, 1, 2, 3}}}), ConfigError);

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

TEST(Domain, AnInvertedSetIsItsNegativeInTrainingAndTest) {
  auto const stream = make("domain", {{"datasets", {"toy", "inverted-toy"}}});
  auto const &plain = task(stream, 0), &inverted = task(stream, 1);
  EXPECT_EQ(inverted.name, "inverted-toy");
  EXPECT_EQ(inverted.test.name(), "inverted-toy")
      << "what is found by the set's name, such as a judge, is of another set";
  for (auto const part : {&Task::train, &Task::test})
    EXPECT_TRUE(at::equal((inverted.*part).data().to(at::kInt) + (plain.*part).data().to(at::kInt),
                          at::full_like((plain.*part).data(), 255, at::kInt)));
  EXPECT_TRUE(at::equal(inverted.train.labels(), plain.train.labels()));
  EXPECT_EQ(inverted.train.data().scalar_type(), at::kByte);
}

TEST(Domain, OnlyTheFirstClassesOfEachSetWhereThatIsAsked) {
  auto const stream = make("domain", {{"datasets", {"toy"}}, {"classes", 2}});
  auto const whole = make("domain", {{"datasets", {"toy"}}});
  EXPECT_EQ(stream.classes, 2);
  EXPECT_EQ(task(stream, 0).classes, (std::vector<std::int64_t>{0, 1}));
  EXPECT_EQ(task(stream, 0).train.class_names().size(), 2U);
  for (auto const part : {&Task::train, &Task::test}) {
    auto const &few = task(stream, 0).*part, &all = task(whole, 0).*part;
    EXPECT_TRUE(at::equal(few.data(), all.data().index_select(0, all.labels().lt(2).nonzero().squeeze(1))));
    EXPECT_LT(few.labels().max().item<std::int64_t>(), 2);
  }
  EXPECT_EQ(make("domain", {{"datasets", {"toy"}}, {"classes", 100}}).classes, whole.classes);
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

TEST(Permuted, InClassAndTaskScenarioEachTaskHasItsOwnOutputs) {
  for (std::string const scenario : {"class", "task"}) {
    auto const stream = make("permuted", {{"dataset", "toy"}, {"tasks", 3}, {"scenario", scenario}});
    EXPECT_EQ(stream.scenario, scenario + "-incremental");
    EXPECT_EQ(stream.visibility.task_at_test, scenario == "task");
    EXPECT_EQ(stream.classes, 12);
    auto const plain = source("toy", "").labels();
    for (std::size_t t = 0; t < 3; ++t) {
      auto const first = static_cast<std::int64_t>(4 * t);
      EXPECT_TRUE(at::equal(task(stream, t).train.labels(), plain + first)) << "labels are not raised by t C";
      EXPECT_TRUE(at::equal(task(stream, t).test.labels(), plain + first));
      EXPECT_EQ(task(stream, t).classes, (std::vector<std::int64_t>{first, first + 1, first + 2, first + 3}));
    }
    ASSERT_EQ(task(stream, 0).train.class_names().size(), 12U);
    EXPECT_EQ(task(stream, 0).train.class_names()[5], "toy-permuted-1: b");
  }
}

// Wrong: a sample without a label becomes one of the class before its task's first.
TEST(Permuted, ASampleWithoutALabelHasNoneInAnyScenario) {
  auto const some = [](std::string const& name, std::string const& split) {
    auto const data = source(name, split);
    auto labels = data.labels().clone();
    labels[0] = -1;
    return data.with(data.data(), labels);
  };
  auto const stream = find_row(stream_table(), "stream", "permuted")
                          .make({{"dataset", "toy"}, {"tasks", 2}, {"scenario", "class"}}, "stream", some, 0);
  EXPECT_EQ(task(stream, 1).train.labels()[0].item<std::int64_t>(), -1);
  EXPECT_GE(task(stream, 1).train.labels()[1].item<std::int64_t>(), 4);
}

// Wrong: a request or a drawing is of another class than its words say.
TEST(OutputNames, AWholeNameComesBeforeANumberAndANumberBeforeAPart) {
  std::vector<std::string> const plain = {"3", "5", "7"},
                                 tasks = {"clothes: Shirt", "clothes: Bag", "digits: 0", "digits: 1"};
  EXPECT_EQ(output_meant(plain, "5", "--class"), 1);
  EXPECT_EQ(output_meant(plain, "2", "--class"), 2);
  EXPECT_EQ(output_meant(plain, "x", "--class"), std::nullopt);
  EXPECT_EQ(output_meant(tasks, "Bag", "--class"), 1);
  EXPECT_EQ(output_meant(tasks, "digits: 1", "--class"), 3);
  EXPECT_EQ(output_meant(tasks, "2", "--class"), 2);
  EXPECT_EQ(output_meant({}, "4", "--class"), 4);
  test::expect_mentions(message_of<ConfigError>([&] { static_cast<void>(output_meant(tasks, "1", "--class")); }),
                        {"--class 1", "'clothes: Bag'", "'digits: 1'"});
  EXPECT_EQ(output_named({"a: x", "b: x"}, "x"), std::nullopt) << "two are called so";
  EXPECT_TRUE(same_class("a: x", "x") && same_class("x", "x"));
  EXPECT_FALSE(same_class("ax", "x"));
}

// Wrong: the frame is put on after permuting, so that it stays where it is and fewer pixels move.
TEST(Permuted, PadsBeforeItPermutes) {
  auto const stream = make("permuted", {{"dataset", "toy"}, {"tasks", 2}, {"pad", 9}});
  auto const plain = source("toy", "").data();
  auto const first = task(stream, 0).train.data();
  EXPECT_EQ(first.sizes().vec(), (std::vector<std::int64_t>{8, 1, 9, 9}));
  EXPECT_TRUE(at::equal(first.narrow(2, 1, 6).narrow(3, 1, 6), plain)) << "6 pixels of 9: one zero before, two after";
  EXPECT_EQ(first.sum().item<std::int64_t>(), plain.sum().item<std::int64_t>()) << "the frame is not zero";
  auto const moved = task(stream, 1).train.data();
  auto const frame = at::ones({9, 9}, at::kBool);
  frame.narrow(0, 1, 6).narrow(1, 1, 6).fill_(false);
  EXPECT_GT(moved.masked_select(frame).max().item<std::int64_t>(), 0) << "no pixel was moved into the frame";
  EXPECT_TRUE(at::equal(std::get<0>(moved.flatten(1).sort(1)), std::get<0>(first.flatten(1).sort(1))));
  EXPECT_THROW(make("permuted", {{"dataset", "toy"}, {"pad", 5}}), ConfigError) << "smaller than the images";
  EXPECT_THROW(make("permuted", {{"dataset", "rows"}, {"pad", 9}}), ConfigError);
}

TEST(Rotated, HasScenarios) {
  auto const stream = make("rotated", {{"dataset", "toy"}, {"degrees", {0.0, 90.0}}, {"scenario", "class"}});
  EXPECT_EQ(stream.classes, 8);
  EXPECT_EQ(task(stream, 1).classes.front(), 4);
  EXPECT_THROW(make("rotated", {{"dataset", "toy"}, {"degrees", Json::array()}}), ConfigError);
}

TEST(Domain, BringsImagesToOneShapeAndSaysSo) {
  auto const stream = make("domain", {{"datasets", {"arrow", "colour"}}});
  auto const gray = task(stream, 0).train.data(), colour = task(stream, 1).train.data();
  EXPECT_EQ(gray.sizes().vec(), (std::vector<std::int64_t>{1, 3, 3, 4}));
  EXPECT_EQ(colour.sizes().vec(), (std::vector<std::int64_t>{2, 3, 3, 4}));
  auto const arrow = source("arrow", "").data()[0][0];
  for (std::int64_t c = 0; c < 3; ++c) EXPECT_TRUE(at::equal(gray[0][c].narrow(1, 0, 3), arrow)) << "channel " << c;
  EXPECT_EQ(gray.select(3, 3).max().item<std::int64_t>(), 0) << "4 columns of 3: the zero stands behind";
  EXPECT_TRUE(at::equal(colour.narrow(2, 0, 2), source("colour", "").data()));
  EXPECT_EQ(stream.notes, (decltype(stream.notes){{"arrow", "3 x 3 x 1, padded to 3 x 4 x 3"},
                                                  {"colour", "2 x 4 x 3, padded to 3 x 4 x 3"}}));
  EXPECT_EQ(task(stream, 1).test.sample_shape(), task(stream, 0).train.sample_shape());
  EXPECT_THROW(make("domain", {{"datasets", {"arrow", "colour"}}, {"fit", "refuse"}}), ConfigError);
  EXPECT_THROW(make("domain", {{"datasets", {"arrow", "colour"}}, {"size", 3}}), ConfigError) << "4 columns do not fit";
}

TEST(Domain, TurnsColourToGrayAndResizesWhereAsked) {
  auto const stream =
      make("domain", {{"datasets", {"colour", "arrow"}}, {"channels", 1}, {"size", 2}, {"fit", "resize"}});
  EXPECT_EQ(task(stream, 0).train.sample_shape(), (std::vector<std::int64_t>{1, 2, 2}));
  EXPECT_EQ(task(stream, 1).train.sample_shape(), (std::vector<std::int64_t>{1, 2, 2}));
  auto const gray = make("domain", {{"datasets", {"colour"}}, {"channels", 1}});
  // The first pixel is (0, 8, 16): 0.587 * 8 + 0.114 * 16 = 6.52.
  EXPECT_EQ(task(gray, 0).train.data()[0][0][0][0].item<std::int64_t>(), 7);
}

TEST(Domain, InClassScenarioSetsOfDifferentSizesFollowOneAnother) {
  auto const stream = make("domain", {{"datasets", {"colour", "toy"}}, {"scenario", "class"}});
  EXPECT_EQ(stream.classes, 6);
  EXPECT_EQ(task(stream, 0).classes, (std::vector<std::int64_t>{0, 1}));
  EXPECT_EQ(task(stream, 1).classes, (std::vector<std::int64_t>{2, 3, 4, 5}));
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
  EXPECT_THROW(make("domain", {{"datasets", {"toy", "rows"}}}), ConfigError) << "pictures and rows of numbers";
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
  Dataset const data("d", x, y, {});
  auto const index = at::tensor({1}, at::kLong);
  EXPECT_EQ(Batch(data, index, 0, {}).y().item<std::int64_t>(), 1);
  EXPECT_THROW(static_cast<void>(Batch(data, index, 0, {.labels = false}).y()), VisibilityError);
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

// Wrong: what was stored beside some rows stands beside others, or a part of the batch has none.
TEST(Batch, JoinedRowsKeepWhatBothHaveBesideThem) {
  Batch a(at::zeros({2, 1}), at::zeros({2}, at::kLong)), b(at::ones({3, 1}), at::ones({3}, at::kLong));
  a.extras = {{"logits", at::zeros({2, 4})}, {"only-a", at::zeros({2})}};
  b.extras = {{"logits", at::ones({3, 4})}, {"only-b", at::zeros({3})}};
  auto const both = a.joined(b);
  ASSERT_EQ(both.extras.size(), 1U);
  EXPECT_TRUE(at::equal(both.rows(2, 3).extras.at("logits"), at::ones({3, 4})));
}

}  // namespace
}  // namespace mneme
