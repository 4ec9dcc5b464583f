// The user's own files: if these fail, a format is read by another's rules, or a test set is part of the training set.
#include "mneme/experiment/own_data.hpp"

#include <gtest/gtest.h>

#include <array>

#include "mneme/core/errors.hpp"
#include "mneme/core/json.hpp"
#include "mneme/io/safetensors.hpp"
#include "tests/io/make_files.hpp"
#include "tests/io/support.hpp"

namespace mneme {
namespace {

using namespace test;

/// A record of CIFAR whose label bytes are these.
std::string record(std::string const& labels) { return labels + std::string(3072, 'p'); }

OwnDataOptions of(std::string const& format, std::filesystem::path const& train) {
  OwnDataOptions options;
  options.format = format;
  options.train = train.string();
  return options;
}

TEST(OwnData, FolderOfCifarRecordsHoldsBothParts) {
  TemporaryFolder folder;
  folder.put("train_subset.bin", record("\x03") + record("\x04"));
  auto const test = folder.put("test_subset.bin", record("\x05"));
  auto options = of("cifar10", folder.path());
  EXPECT_EQ(read_own_data(options, "mine", "train").labels, (std::vector<std::int64_t>{3, 4}));
  EXPECT_EQ(read_own_data(options, "mine", "test").labels, (std::vector<std::int64_t>{5}));
  options.train = test.string();
  expect_mentions(message_of<ConfigError>([&] { read_own_data(options, "mine", "test"); }), {"datasets.mine.test"});
}

TEST(OwnData, FineAndCoarseLabelsAreChosen) {
  TemporaryFolder folder;
  auto options = of("cifar100", folder.put("train.bin", record("\x02\x47")));
  EXPECT_EQ(read_own_data(options, "mine", "train").labels, (std::vector<std::int64_t>{71}));
  options.classes = "coarse";
  EXPECT_EQ(read_own_data(options, "mine", "train").labels, (std::vector<std::int64_t>{2}));
}

TEST(OwnData, FilesInTheFormOfEmnistAreTurnedUpright) {
  TemporaryFolder folder;
  auto options = of("idx", folder.put("i", make_idx({1, 2, 2}, "abcd")));
  options.train_labels = folder.put("l", make_idx({1}, "\x01")).string();
  options.transposed = true;
  options.first_label = 1;
  auto const data = read_own_data(options, "mine", "train");
  EXPECT_EQ(data.pixels, bytes_of("acbd"));
  EXPECT_EQ(data.labels, (std::vector<std::int64_t>{0}));
  EXPECT_EQ(data.class_names, (std::vector<std::string>{"1"}));
}

TEST(OwnData, NumbersOfEveryTableFormat) {
  TemporaryFolder folder;
  std::vector<float> const expected{2, 1, 4, 3};
  auto csv = of("csv", folder.put("a.csv", "a,who,b,label\n1,x,2,u\n3,y,4,v\n"));
  csv.numbers = {"b", "a"};
  EXPECT_EQ(read_own_data(csv, "mine", "train").features, expected);
  auto tsv = of("tsv", folder.put("a.tsv", "b\ta\tlabel\n2\t1\tu\n4\t3\tv\n"));
  tsv.numbers = {"*"};
  EXPECT_EQ(read_own_data(tsv, "mine", "train").features, expected);
  auto json = of("json", folder.put("a.json", "{\"b\":2,\"a\":1,\"label\":0}\n{\"b\":4,\"a\":3,\"label\":1}\n"));
  json.numbers = {"b", "a"};
  EXPECT_EQ(read_own_data(json, "mine", "train").features, expected);
  json.text = {"b"};
  expect_mentions(message_of<ConfigError>([&] { read_own_data(json, "mine", "train"); }), {"`text`", "`numbers`"});
}

// Wrong: a test file whose columns stand in another order is read by their places, and the net is shown b for a.
TEST(OwnData, ColumnsOfATestFileAreThoseOfTheTrainingFileByName) {
  TemporaryFolder folder;
  for (auto const* all : {"", "*"}) {
    auto csv = of("csv", folder.put("train.csv", "label,a,b\nu,1,2\nv,3,4\n"));
    csv.test = folder.put("test.csv", "b,label,a\n6,u,5\n").string();
    if (*all != 0) csv.numbers = {all};
    EXPECT_EQ(read_own_data(csv, "mine", "test").features, (std::vector<float>{5, 6}));
    auto twice = of("csv", folder.put("twice.csv", "v,v,label\n1,2,u\n"));
    twice.test = folder.put("twice-test.csv", "v,v,label\n3,4,u\n").string();
    if (*all != 0) twice.numbers = {all};
    EXPECT_EQ(read_own_data(twice, "mine", "test").features, (std::vector<float>{3, 4})) << "names that tell nothing";
    csv.test = folder.put("less.csv", "label,a\nu,5\n").string();
    expect_mentions(message_of<DataError>([&] { read_own_data(csv, "mine", "test"); }), {"no column 'b'"});
  }
}

// Wrong: the training rows of the file are tested on.
TEST(OwnData, SafetensorsHoldsBothPartsOrOneEach) {
  TemporaryFolder folder;
  std::array<std::uint8_t, 4> const x{1, 2, 3, 4};
  std::array<std::uint8_t, 2> const y{0, 1}, task{0, 1};
  auto const bytes = [](auto const& values) { return std::as_bytes(std::span(values)); };
  std::vector<TensorBytes> tensors{
      {"x", "U8", {2, 2}, bytes(x)}, {"y", "U8", {2}, bytes(y)}, {"task", "U8", {2}, bytes(task)}};
  auto const one = folder.put("one.safetensors", encode_safetensors(tensors));
  tensors.push_back({"test.x", "U8", {1, 2}, bytes(x).subspan(2)});
  tensors.push_back({"test.y", "U8", {1}, bytes(y).subspan(1)});
  auto options = of("safetensors", folder.put("both.safetensors", encode_safetensors(tensors)));
  EXPECT_EQ(read_own_data(options, "mine", "test").pixels, (std::vector<std::uint8_t>{3, 4}));
  options.test = options.train;
  EXPECT_EQ(read_own_data(options, "mine", "test").pixels, (std::vector<std::uint8_t>{3, 4})) << "the same file";
  options.test = one.string();
  EXPECT_EQ(read_own_data(options, "mine", "test").count(), 2) << "another file is all test data";
  options.task = 1;
  EXPECT_EQ(read_own_data(options, "mine", "train").pixels, (std::vector<std::uint8_t>{3, 4}));
}

TEST(OwnData, EndingSaysTheFormat) {
  TemporaryFolder folder;
  EXPECT_EQ(format_of("a.csv.gz"), "csv");
  EXPECT_EQ(format_of("a.jsonl"), "json");
  EXPECT_EQ(format_of("train_32x32.mat"), "svhn");
  EXPECT_EQ(format_of("mnist"), "");
  EXPECT_EQ(format_of(folder.path().string()), "folder");
  EXPECT_EQ(format_of(folder.put("a.bin", record("\x01")).string()), "cifar10");
  EXPECT_EQ(format_of(folder.put("b.bin.gz", gzipped(record("\x01\x01"))).string()), "cifar100");
}

TEST(OwnData, EveryFormatOfTheOptionIsRead) {
  for (auto const& option : list_options<OwnDataOptions>()) {
    if (option.key != "format") continue;
    for (auto const& format : option.note.choices) {
      auto options = of(format, "/nonexistent/file");
      options.train_labels = "/nonexistent/labels";
      expect_mentions(message_of<DataError>([&] { read_own_data(options, "mine", "train"); }), {"/nonexistent/"});
    }
  }
}

}  // namespace
}  // namespace mneme
