// The library of data sets: if these fail, an arm is trained on the data of another arm.
#include "mneme/experiment/data.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "mneme/core/errors.hpp"
#include "tests/io/support.hpp"

namespace mneme {
namespace {

using test::TemporaryFolder;

/// A configuration with one table of the user's own under this name.
Json own(std::string const& name, std::filesystem::path const& file, std::string const& label = "label") {
  Json set = {{"format", "csv"}, {"train", file.string()}, {"test", file.string()}, {"label", label}};
  return {{"datasets", {{name, std::move(set)}}}};
}

TEST(DataLibrary, ReadsASetOnceAndSharesIt) {
  TemporaryFolder const folder;
  auto const tree = own("mine", folder.put("a.csv", "x,label\n1,a\n2,b\n"));
  DataLibrary library{DataSearch{}};
  auto const first = library.get(tree, "mine", "train"), again = library.get(tree, "mine", "train");
  EXPECT_EQ(first.data().data_ptr(), again.data().data_ptr()) << "each arm would hold a copy of its own";
}

TEST(DataRecord, NamesEverySetOnceAndSaysThatItIsTheUsers) {
  Dataset const set("mine", at::zeros({3, 2}), at::zeros({3}, at::kLong), {}, "abc");
  DataRecord record("full");
  record.add(set, "train", false);
  EXPECT_EQ(record.to_json()["kind"], "full");
  for (int time = 0; time < 2; ++time) record.add(set, "test", true);
  Json const sets = {{{"name", "mine"}, {"split", "train"}, {"count", 3}, {"sha256", "abc"}},
                     {{"name", "mine"}, {"split", "test"}, {"count", 3}, {"sha256", "abc"}}};
  EXPECT_EQ(record.to_json(), (Json{{"kind", "custom"}, {"sets", sets}}));
  EXPECT_EQ(united({record.to_json(), record.to_json()}), record.to_json());
}

TEST(DataLibrary, OtherFilesUnderTheSameNameAreAnotherSet) {
  TemporaryFolder const folder;
  auto const one = own("mine", folder.put("a.csv", "x,label\n1,a\n2,b\n"));
  auto const two = own("mine", folder.put("b.csv", "x,label\n5,c\n6,d\n7,d\n"));
  DataLibrary library{DataSearch{}};
  for (auto const* split : {"train", "test"}) {
    EXPECT_EQ(library.get(one, "mine", split).size(), 2) << split;
    auto const other = library.get(two, "mine", split);
    EXPECT_EQ(other.size(), 3) << split;
    EXPECT_EQ(other.data()[0].item<float>(), 5) << split;
    EXPECT_EQ(other.class_names(), (std::vector<std::string>{"c", "d"})) << "numbered as the other set's classes";
  }
}

TEST(DataLibrary, TheSameFileReadWithOtherOptionsIsAnotherSet) {
  TemporaryFolder const folder;
  auto const file = folder.put("a.csv", "u,v\n1,20\n2,10\n");
  DataLibrary library{DataSearch{}};
  auto const by_u = library.get(own("mine", file, "u"), "mine", "train");
  auto const by_v = library.get(own("mine", file, "v"), "mine", "train");
  EXPECT_EQ(by_u.class_names(), (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(by_v.class_names(), (std::vector<std::string>{"10", "20"}));
  EXPECT_EQ(by_v.data()[0].item<float>(), 1) << "the other column is the feature";
}

TEST(DataLibrary, TwoSetsOfOneConfigurationAreTwo) {
  TemporaryFolder const folder;
  auto tree = own("one", folder.put("a.csv", "x,label\n1,a\n"));
  tree.merge_patch(own("two", folder.put("b.csv", "x,label\n2,a\n")));
  DataLibrary library{DataSearch{}};
  EXPECT_EQ(library.get(tree, "one", "train").data()[0].item<float>(), 1);
  EXPECT_EQ(library.get(tree, "two", "train").data()[0].item<float>(), 2);
}

// Wrong: a set of the user's own that bears a catalogued name is answered with the sample of that name.
TEST(DataLibrary, AnOwnSetGoesBeforeTheSampleOfItsName) {
  TemporaryFolder const folder;
  auto tree = own("mnist", folder.put("a.csv", "x,label\n1,a\n"));
  tree["data"] = "sample";
  DataLibrary library{DataSearch{}};
  EXPECT_EQ(library.get({{"data", "sample"}}, "mnist", "test").size(), 1000);
  EXPECT_EQ(library.get(tree, "mnist", "test").size(), 1);
}

/// A data set of texts with further options.
Json texts(std::filesystem::path const& file, Json const& more) {
  Json set = {{"format", "json"}, {"train", file.string()}, {"vocabulary", 100}, {"length", 3}};
  set.update(more);
  return {{"datasets", {{"mine", set}}}};
}

TEST(DataLibrary, TextsAreIdsOrBags) {
  TemporaryFolder const folder;
  auto const file =
      folder.put("t.json", "{\"label\": \"x\", \"text\": \"a b\"}\n{\"label\": \"y\", \"text\": \"c\"}\n");
  DataLibrary library{DataSearch{}};
  auto const ids = library.get(texts(file, {{"test", file.string()}}), "mine", "train");
  EXPECT_EQ(ids.data().scalar_type(), at::kLong);
  EXPECT_EQ(ids.data().sizes().vec(), (std::vector<std::int64_t>{2, 3}));
  EXPECT_TRUE(
      at::equal(ids.gather(at::tensor({1}, at::kLong))[0].ne(0).to(at::kLong), at::tensor({1, 0, 0}, at::kLong)));
  auto const bag = library.get(texts(file, {{"test", file.string()}, {"words", "bag"}}), "mine", "train");
  EXPECT_EQ(bag.data().sizes().vec(), (std::vector<std::int64_t>{2, 100}));
  EXPECT_NEAR(bag.data()[0].norm().item<float>(), 1, 1e-6);
}

// Wrong: a row is both trained and tested on, or in neither part.
TEST(DataLibrary, EverySoManyRowsAreTheTestSet) {
  TemporaryFolder const folder;
  Json set = {{"format", "csv"}, {"train", folder.put("a.csv", "x,label\n0,a\n1,a\n2,b\n3,b\n4,a\n").string()}};
  set["test_every"] = 2;
  DataLibrary library{DataSearch{}};
  Json const tree = {{"datasets", {{"mine", set}}}};
  auto const of = [&](std::string const& split) { return library.get(tree, "mine", split).data().flatten(); };
  EXPECT_TRUE(at::equal(of("test"), at::tensor({0.0F, 2.0F, 4.0F})));
  EXPECT_TRUE(at::equal(of("train"), at::tensor({1.0F, 3.0F})));
  set["test_every"] = 1;
  EXPECT_THROW(library.get({{"datasets", {{"mine", set}}}}, "mine", "train"), ConfigError);
  set["test_every"] = 2;
  set["test"] = set["train"];
  EXPECT_THROW(library.get({{"datasets", {{"mine", set}}}}, "mine", "train"), ConfigError);
}

}  // namespace
}  // namespace mneme
