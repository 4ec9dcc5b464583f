// Changes of streams: if these fail, a stream is not what its table says: samples are lost, seen twice or in a test
// set.
#include "mneme/stream/changes.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "mneme/core/errors.hpp"
#include "mneme/stream/batch.hpp"
#include "mneme/stream/makers.hpp"
#include "mneme/testing/toy.hpp"
#include "tests/io/support.hpp"

namespace mneme {
namespace {

constexpr std::int64_t kSamples = 200;  // of 4 classes, 50 each

/// Every sample is its own number, so that it can be followed.
Dataset numbered(std::string const& name, std::string const& split) {
  auto const data = at::arange(kSamples, at::kFloat).add(split == "test" ? 1000 : 0).view({kSamples, 1});
  return {name, data, at::arange(kSamples, at::kLong).remainder(4), {"a", "b", "c", "d"}};
}

/// Two tasks of two classes, changed.
Stream changed(Json const& with, std::uint64_t seed = 0, Json stream = {{"kind", "split"}, {"tasks", 2}}) {
  stream["dataset"] = "numbers";
  stream["with"] = Json::array();
  for (auto const& change : as_list(with))
    stream["with"].push_back(change.is_string() ? Json{{"kind", change}} : change);
  return make_stream(stream, "stream", numbered, seed);
}

std::vector<std::int64_t> numbers(at::Tensor const& tensor) {
  auto const flat = tensor.flatten().to(at::kLong).contiguous();
  return {flat.data_ptr<std::int64_t>(), flat.data_ptr<std::int64_t>() + flat.numel()};
}

std::vector<std::int64_t> samples_of(Dataset const& data) { return numbers(data.data()); }

std::vector<std::int64_t> sorted(std::vector<std::int64_t> values) {
  std::sort(values.begin(), values.end());
  return values;
}

/// All training samples of all events.
std::vector<std::int64_t> all_samples(Stream const& stream) {
  std::vector<std::int64_t> all;
  for (auto const* task : stream.tasks()) {
    auto const own = samples_of(task->train);
    all.insert(all.end(), own.begin(), own.end());
  }
  return sorted(all);
}

std::vector<std::int64_t> first_numbers(std::int64_t n) {
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(n));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

std::int64_t count(Dataset const& data, std::int64_t label) {
  return data.labels().eq(label).sum().item<std::int64_t>();
}

std::string refusal(Json const& with, Json const& stream = {{"kind", "split"}, {"tasks", 2}}) {
  return message_of<ConfigError>([&] { static_cast<void>(changed(with, 0, stream)); });
}

Task const& task(Stream const& stream, std::size_t t) { return *stream.tasks().at(t); }

/// The change with the options that it cannot do without.
Json minimal(ChangeRow const& row) {
  Json with = {{"kind", row.info.name}};
  if (row.info.name == "forget") with["samples"] = {0};
  return with;
}

class EveryChange : public testing::TestWithParam<ChangeRow const*> {};

// Wrong: a figure is measured on other data than that of the unchanged stream.
TEST_P(EveryChange, LeavesTheTestSetsAndIsTheSameForTheSameSeed) {
  if (GetParam()->splits) GTEST_SKIP() << "it gives test samples to training";
  Json const with = minimal(*GetParam());
  auto const plain = changed(Json::array()), stream = changed(with), again = changed(with);
  ASSERT_EQ(stream.tested().size(), 2U);
  for (auto const* tested : stream.tested()) {
    auto const same = std::find_if(plain.events.begin(), plain.events.end(),
                                   [&](Event const& e) { return event_name(e) == tested->name; });
    ASSERT_NE(same, plain.events.end()) << tested->name;
    EXPECT_TRUE(at::equal(tested->test.data(), std::get<Task>(*same).test.data()));
    EXPECT_TRUE(at::equal(tested->test.labels(), std::get<Task>(*same).test.labels()));
  }
  ASSERT_EQ(stream.events.size(), again.events.size());
  for (std::size_t e = 0; e < stream.tasks().size(); ++e) {
    EXPECT_TRUE(at::equal(task(stream, e).train.data(), task(again, e).train.data()));
    EXPECT_TRUE(at::equal(task(stream, e).train.labels(), task(again, e).train.labels()));
  }
}

TEST_P(EveryChange, RefusesAnUnknownOption) {
  test::expect_mentions(refusal({{"kind", GetParam()->info.name}, {"nothing", 1}}), {"stream.with.0", "nothing"});
}

INSTANTIATE_TEST_SUITE_P(Streams, EveryChange, testing::ValuesIn([] {
                           std::vector<ChangeRow const*> rows;
                           for (auto const& row : change_table()) rows.push_back(&row);
                           return rows;
                         }()),
                         [](auto const& info) {
                           auto name = info.param->info.name;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

// ------------------------------------------------------------------------------------------------------------ order

TEST(TaskOrder, IsGivenOrDrawnAndSaid) {
  auto const given = changed({{"kind", "task-order"}, {"order", {1, 0}}});
  EXPECT_EQ(task(given, 0).name, "numbers-2-3");
  EXPECT_EQ(task(given, 0).id, 0) << "the id is the position";
  EXPECT_EQ(given.notes.back(), (std::pair<std::string, std::string>{"task order", "1 0"}));
  std::set<std::string> drawn;
  for (std::uint64_t seed = 0; seed < 10; ++seed) drawn.insert(task(changed({{"kind", "task-order"}}, seed), 0).name);
  EXPECT_EQ(drawn.size(), 2U) << "every seed gives the same order";
  for (Json const& order : {Json{0, 0}, Json{0, 2}, Json{0}})
    EXPECT_NE(refusal({{"kind", "task-order"}, {"order", order}}), "") << order;
}

TEST(Repeat, BringsTasksBackUnderTheirNames) {
  auto const stream = changed({{"kind", "repeat"}, {"order", {0, 1, 0}}});
  ASSERT_EQ(stream.events.size(), 3U);
  EXPECT_EQ(task(stream, 2).name, task(stream, 0).name);
  EXPECT_EQ(task(stream, 2).id, 0);
  EXPECT_TRUE(at::equal(task(stream, 2).train.data(), task(stream, 0).train.data()));
  EXPECT_EQ(stream.tested().size(), 2U) << "a task would have two columns";
  EXPECT_EQ(changed({{"kind", "repeat"}, {"times", 3}}).events.size(), 6U);
  EXPECT_EQ(joint_of(stream).tasks().front()->train.size(), kSamples) << "joint training counts a task twice";
}

TEST(Repeat, InPartsEachSampleComesOnce) {
  auto const stream = changed({{"kind", "repeat"}, {"times", 3}, {"parts", true}});
  EXPECT_EQ(all_samples(stream), first_numbers(kSamples));
  EXPECT_EQ(task(stream, 0).train.size(), 33);
  EXPECT_EQ(task(stream, 4).train.size(), 34) << "100 samples in three parts";
}

// ----------------------------------------------------------------------------------------------------------- blurry

TEST(Blurry, ThatShareOfEachClassComesInOtherTasks) {
  auto const stream = changed({{"kind", "blurry"}, {"level", 0.1}});
  EXPECT_EQ(all_samples(stream), first_numbers(kSamples)) << "samples are lost or doubled";
  auto const& first = task(stream, 0).train;
  EXPECT_EQ(count(first, 0), 45);
  EXPECT_EQ(count(first, 1), 45);
  EXPECT_EQ(count(first, 2), 5);
  EXPECT_EQ(count(first, 3), 5);
  EXPECT_TRUE(at::equal(first.tasks(), first.labels().div(2, "floor"))) << "the task of a sample is where it belongs";
  EXPECT_EQ(task(stream, 0).classes, (std::vector<std::int64_t>{0, 1, 2, 3}));
}

TEST(Blurry, DisjointClassesKeepToTheirTask) {
  auto const stream = changed({{"kind", "blurry"}, {"level", 0.2}, {"disjoint", 0.5}}, 3);
  int whole = 0, blurred = 0;
  for (std::int64_t c = 0; c < 4; ++c) {
    auto const kept = count(task(stream, static_cast<std::size_t>(c / 2)).train, c);
    whole += kept == 50;
    blurred += kept == 40;
  }
  EXPECT_EQ(whole, 2);
  EXPECT_EQ(blurred, 2);
}

TEST(Blurry, NeighboursOnlyMixWithNeighbours) {
  Json const four = {{"kind", "split"}, {"tasks", 4}};
  auto const stream = changed({{"kind", "blurry"}, {"level", 0.2}, {"from", "neighbours"}}, 0, four);
  EXPECT_EQ(count(task(stream, 0).train, 0), 40);
  EXPECT_EQ(count(task(stream, 1).train, 0), 10) << "the first task has one neighbour";
  EXPECT_EQ(count(task(stream, 0).train, 1), 5) << "the second has two";
  EXPECT_EQ(count(task(stream, 2).train, 1), 5);
  EXPECT_EQ(count(task(stream, 3).train, 0) + count(task(stream, 3).train, 1), 0);
}

TEST(Blurry, IsRefusedWhereTheTaskIsKnownAtTest) {
  test::expect_mentions(refusal(Json("blurry"), {{"kind", "split"}, {"tasks", 2}, {"scenario", "task"}}),
                        {"stream.with.0", "task-incremental"});
}

// ---------------------------------------------------------------------------------------------------- boundary-free

TEST(BoundaryFree, IsOneEventWithoutTaskOrBoundary) {
  auto const stream = changed({{"kind", "boundary-free"}, {"width", 0.3}});
  ASSERT_EQ(stream.events.size(), 1U);
  EXPECT_EQ(all_samples(stream), first_numbers(kSamples));
  EXPECT_TRUE(task(stream, 0).ordered);
  EXPECT_FALSE(stream.visibility.task_at_training || stream.visibility.task_at_test || stream.visibility.boundaries);
  EXPECT_TRUE(stream.visibility.once);
  Batch const batch(task(stream, 0).train, at::arange(4, at::kLong), 0, stream.visibility);
  EXPECT_THROW(static_cast<void>(batch.task()), VisibilityError);
  EXPECT_THROW(static_cast<void>(batch.one_task()), VisibilityError);
}

// Wrong: classes come all mixed, or in blocks that give the boundary away.
TEST(BoundaryFree, TasksFlowIntoOneAnother) {
  auto const late = [](double width, std::int64_t first, std::int64_t n) {
    auto const stream = changed({{"kind", "boundary-free"}, {"width", width}});
    return task(stream, 0).train.tasks().narrow(0, first, n).to(at::kDouble).mean().item<double>();
  };
  EXPECT_EQ(late(0, 0, 100), 0) << "without width the first hundred are the first task's";
  EXPECT_EQ(late(0, 100, 100), 1);
  EXPECT_LT(late(0.3, 0, 50), 0.15);
  EXPECT_GT(late(0.3, 150, 50), 0.85);
  EXPECT_NEAR(late(0.3, 80, 40), 0.5, 0.25) << "in the middle both";
}

TEST(BoundaryFree, IsRefusedWhereTheTaskIsKnownAtTest) {
  EXPECT_NE(refusal(Json("boundary-free"), {{"kind", "split"}, {"tasks", 2}, {"scenario", "task"}}), "");
}

// ---------------------------------------------------------------------------------------------------------- samples

// Wrong: a sample is lost, or stands in both sets.
TEST(PooledSplit, DrawsBothSetsFromAllSamplesOfTheTask) {
  auto const stream = changed("pooled-split"), plain = changed(Json::array());
  for (std::size_t t = 0; t < 2; ++t) {
    auto const &now = task(stream, t), &before = task(plain, t);
    EXPECT_EQ(now.train.size(), before.train.size());
    EXPECT_EQ(now.test.name(), before.test.name());
    auto const pool = [](Task const& task) {
      auto all = samples_of(task.train);
      auto const test = samples_of(task.test);
      all.insert(all.end(), test.begin(), test.end());
      return sorted(all);
    };
    EXPECT_EQ(pool(now), pool(before));
    EXPECT_NE(sorted(samples_of(now.test)), sorted(samples_of(before.test)));
    for (auto const* part : {&now.train, &now.test})
      EXPECT_TRUE(at::equal(part->labels(), part->data().flatten().to(at::kLong).remainder(1000).remainder(4)));
  }
  EXPECT_EQ(samples_of(task(stream, 0).test), samples_of(task(changed("pooled-split"), 0).test));
  EXPECT_NE(samples_of(task(stream, 0).test), samples_of(task(changed("pooled-split", 1), 0).test));
  test::expect_mentions(refusal({"online", "pooled-split"}), {"pooled-split", "first"});
}

TEST(Limit, KeepsSoManySamplesOfEachTask) {
  auto const stream = changed({{"kind", "limit"}, {"samples", 30}});
  EXPECT_EQ(task(stream, 0).train.size(), 30);
  auto const kept = samples_of(task(stream, 0).train);
  EXPECT_TRUE(std::is_sorted(kept.begin(), kept.end()));
  EXPECT_NE(kept, samples_of(task(changed({{"kind", "limit"}, {"samples", 30}}, 1), 0).train));
}

TEST(Imbalanced, ClassesFallExponentially) {
  auto const stream = changed({{"kind", "imbalanced"}, {"factor", 8}, {"order", "numbered"}});
  // 50 * 8^(-r/3): 50, 25, 12.5, 6.25.
  EXPECT_EQ(count(task(stream, 0).train, 0), 50);
  EXPECT_EQ(count(task(stream, 0).train, 1), 25);
  EXPECT_EQ(count(task(stream, 1).train, 2), 13);
  EXPECT_EQ(count(task(stream, 1).train, 3), 6);
  auto const shuffled = changed({{"kind", "imbalanced"}, {"factor", 8}}, 1);
  EXPECT_EQ(task(shuffled, 0).train.size() + task(shuffled, 1).train.size(), 94) << "the same sizes, other classes";
}

TEST(NoisyLabels, ThatShareIsDrawnAnewFromTheTasksClasses) {
  auto const stream = changed({{"kind", "noisy-labels"}, {"share", 0.4}});
  auto const plain = changed(Json::array());
  for (std::size_t t = 0; t < 2; ++t) {
    auto const wrong = task(stream, t).train.labels().ne(task(plain, t).train.labels()).sum().item<std::int64_t>();
    EXPECT_NEAR(static_cast<double>(wrong), 20, 12) << "40 of 100 are drawn anew, half of them hit the old label";
    EXPECT_LE(wrong, 40);
    std::set<std::int64_t> classes;
    for (auto const label : numbers(task(stream, t).train.labels())) classes.insert(label);
    EXPECT_EQ((std::vector<std::int64_t>(classes.begin(), classes.end())), task(plain, t).classes)
        << "a label of another task";
  }
  auto const all = changed({{"kind", "noisy-labels"}, {"share", 0}});
  EXPECT_TRUE(at::equal(task(all, 0).train.labels(), task(plain, 0).train.labels()));
}

// ------------------------------------------------------------------------------------------------------------- view

TEST(Online, DoesNotGoWithTasksThatComeBackWithTheSameSamples) {
  auto const stream = changed(Json("online"));
  EXPECT_TRUE(stream.visibility.once);
  test::expect_mentions(refusal({"repeat", "online"}), {"stream.with", "comes back", "parts = true"});
  EXPECT_NO_THROW(changed({{{"kind", "repeat"}, {"parts", true}}, {{"kind", "online"}}}));
}

// Wrong: a set that is named twice is seen twice by an online stream, or counts twice in joint training, where the
// stream's maker or a change copied its samples.
TEST(Online, KnowsASetThatIsNamedTwiceWhateverIsMadeOfIt) {
  auto const with = [](Json const& changes) {
    return Json{{"kind", "domain"}, {"datasets", {"numbers", "numbers"}}, {"classes", 3}, {"with", changes}};
  };
  auto const refused = [&](Json const& changes) {
    return message_of<ConfigError>([&] { static_cast<void>(make_stream(with(changes), "stream", numbered, 0)); });
  };
  Json const online = {{"kind", "online"}}, pooled = {{"kind", "pooled-split"}};
  test::expect_mentions(refused(Json::array({online})), {"stream.with", "comes back"});
  test::expect_mentions(refused(Json::array({pooled, online})), {"stream.with", "comes back"});
  auto const joint = joint_of(make_stream(with(Json::array({pooled})), "stream", numbered, 0));
  EXPECT_EQ(joint.tasks().front()->train.size(), kSamples / 4 * 3);
}

TEST(HiddenTask, CannotBeReadInTraining) {
  auto const stream = changed(Json("hidden-task"));
  Batch const batch(task(stream, 1).train, at::arange(4, at::kLong), 1, stream.visibility);
  EXPECT_THROW(static_cast<void>(batch.task()), VisibilityError);
  EXPECT_NO_THROW(static_cast<void>(batch.y()));
  EXPECT_NE(refusal(Json("hidden-task"), {{"kind", "split"}, {"tasks", 2}, {"scenario", "task"}}), "");
}

TEST(Unlabelled, LabelsAreGone) {
  auto const stream = changed(Json("unlabelled"));
  Batch const batch(task(stream, 0).train, at::arange(4, at::kLong), 0, stream.visibility);
  EXPECT_THROW(static_cast<void>(batch.y()), VisibilityError);
  EXPECT_TRUE(task(stream, 0).train.labels().eq(-1).all().item<bool>()) << "they can be read around the batch";
  EXPECT_TRUE(task(stream, 0).classes.empty());
  test::expect_mentions(refusal({"unlabelled", "noisy-labels"}), {"stream.with", "last"});
}

TEST(FewLabels, AsManyOfEachClassKeepTheirsAndNothingElseChanges) {
  auto const stream = changed({{{"kind", "few-labels"}, {"labels", 4}}}), plain = changed(Json::array());
  auto const& labels = task(stream, 0).train.labels();
  auto const& before = task(plain, 0).train.labels();
  auto const kept = labels.ge(0);
  EXPECT_TRUE(at::equal(labels.masked_select(kept), before.masked_select(kept)));
  auto const classes = static_cast<std::int64_t>(task(plain, 0).classes.size());
  EXPECT_EQ(kept.sum().item<std::int64_t>(), 4);
  for (auto const label : task(plain, 0).classes)
    EXPECT_EQ(labels.eq(label).sum().item<std::int64_t>(), 4 / classes) << label;
  EXPECT_TRUE(at::equal(task(stream, 0).train.data(), task(plain, 0).train.data()));
  EXPECT_TRUE(at::equal(task(stream, 0).test.labels(), task(plain, 0).test.labels()));
  test::expect_mentions(refusal({{{"kind", "few-labels"}, {"labels", 4 * 1000 * classes}}}),
                        {"with.0.labels", "fewer"});
  test::expect_mentions(refusal({{{"kind", "few-labels"}, {"labels", 4}}, {{"kind", "limit"}, {"samples", 20}}}),
                        {"few-labels", "last"});
}

// ------------------------------------------------------------------------------------------------------------- forget

TEST(ForgetChange, PutsARequestBetweenTwoTasksAndTestsItsClassesApart) {
  auto const stream = changed({{{"kind", "forget"}, {"after", 0}, {"classes", {1}}}});
  ASSERT_EQ(stream.events.size(), 3U);
  auto const& request = std::get<Request>(stream.events[1]);
  EXPECT_EQ(request.name, "class 1");
  EXPECT_EQ(request.classes, (std::vector<std::int64_t>{1}));
  auto const tested = stream.tested();
  ASSERT_EQ(tested.size(), 3U) << "two tasks and the request";
  EXPECT_TRUE(tested[0]->test.labels().eq(0).all().item<bool>()) << "class 1 is measured with what is to be known";
  EXPECT_EQ(tested[2]->name, "class 1");
  EXPECT_EQ(tested[2]->test.size(), kSamples / 4);
  EXPECT_TRUE(tested[2]->test.labels().eq(1).all().item<bool>());
}

// Wrong: what a later task brings under the same label is taken for what was to be forgotten.
TEST(ForgetChange, LeavesTheTestsOfLaterTasksWhole) {
  auto const rows = change_table();
  auto const row = std::find_if(rows.begin(), rows.end(), [](ChangeRow const& r) { return r.info.name == "forget"; });
  auto const plain = toy::stream(2);
  auto const stream = row->apply(plain, {{"kind", "forget"}, {"after", 0}, {"classes", {1}}}, "with.0", 0);
  auto const tested = stream.tested();
  ASSERT_EQ(tested.size(), 3U);
  EXPECT_FALSE(tested[0]->test.labels().eq(1).any().item<bool>());
  EXPECT_EQ(tested[1]->test.size(), plain.tasks()[1]->test.size());
  EXPECT_EQ(tested[2]->name, "class 1");
  EXPECT_EQ(tested[2]->test.size(), plain.tasks()[0]->test.size() - tested[0]->test.size());
}

// Wrong: what was asked for first is measured no more once it was learnt again and asked for again.
TEST(ForgetChange, OfAClassThatWasLearntAgainHasAColumnOfItsOwn) {
  auto const rows = change_table();
  auto const row = std::find_if(rows.begin(), rows.end(), [](ChangeRow const& r) { return r.info.name == "forget"; });
  auto const plain = toy::stream(2);
  auto const once = row->apply(plain, {{"kind", "forget"}, {"after", 0}, {"classes", {1}}}, "with.0", 0);
  auto const twice = row->apply(once, {{"kind", "forget"}, {"classes", {1}}, {"name", "again"}}, "with.1", 0);
  auto const tested = twice.tested();
  ASSERT_EQ(tested.size(), 4U);
  EXPECT_EQ(tested[2]->name, "class 1");
  EXPECT_TRUE(at::equal(tested[2]->test.data(), once.tested()[2]->test.data()));
  EXPECT_EQ(tested[3]->name, "again");
  auto const brought = plain.tasks()[1]->test;
  EXPECT_EQ(tested[3]->test.size(), brought.labels().eq(1).sum().item<std::int64_t>());
  EXPECT_FALSE(tested[1]->test.labels().eq(1).any().item<bool>());
}

TEST(ForgetChange, SaysWhatIsWrong) {
  test::expect_mentions(refusal({{{"kind", "forget"}, {"classes", {1}}, {"name", "a/b"}}}), {"with.0.name", "a/b"});
  test::expect_mentions(refusal({{{"kind", "forget"}, {"after", 2}, {"classes", {1}}}}), {"with.0.after", "0 to 1"});
  test::expect_mentions(refusal({{{"kind", "forget"}}}), {"with.0", "classes, or samples, or tasks"});
  test::expect_mentions(refusal({{{"kind", "forget"}, {"classes", {1}}, {"samples", {1}}}}), {"with.0"});
}

// --------------------------------------------------------------------------------------------------------- the list

TEST(Changes, AreMadeInTheirOrderAndRecorded) {
  auto const stream = changed({{{"kind", "limit"}, {"samples", 40}}, {{"kind", "boundary-free"}}});
  EXPECT_EQ(task(stream, 0).train.size(), 80);
  auto const other = changed({{{"kind", "boundary-free"}}, {{"kind", "limit"}, {"samples", 40}}});
  EXPECT_EQ(task(other, 0).train.size(), 40);
  auto const record = stream_record(stream);
  EXPECT_EQ(record["scenario"], "class-incremental");
  EXPECT_EQ(record["visible"]["boundaries"], false);
  EXPECT_TRUE(record["notes"].contains("limit")) << record;
}

}  // namespace
}  // namespace mneme
