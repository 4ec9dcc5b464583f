#include "mneme/io/cifar.hpp"

#include <algorithm>

#include "mneme/core/errors.hpp"
#include "mneme/io/sha256.hpp"
#include "tests/io/make_files.hpp"
#include "tests/io/support.hpp"

namespace mneme {
namespace {

using namespace test;

/// A record whose pixel bytes are `first`, `first` + 1, ... modulo 256.
std::string record(std::string const& labels, int first) {
  std::string bytes = labels;
  for (int i = 0; i < 3072; ++i) bytes += static_cast<char>(first + i);
  return bytes;
}

TEST(Cifar, ReadsTheOneLabelOfTen) {
  std::string const bytes = record("\x09", 0) + record(std::string(1, '\0'), 7);
  auto const data = parse_cifar(bytes_of(bytes), "a.bin", CifarLabels::kTen);
  EXPECT_EQ(data.shape, (std::vector<std::int64_t>{2, 3, 32, 32}));
  EXPECT_EQ(data.labels, (std::vector<std::int64_t>{9, 0}));
  EXPECT_EQ(data.class_names.at(9), "truck");
  EXPECT_EQ(data.pixels.at(0), 0);
  EXPECT_EQ(data.pixels.at(3071), 3071 % 256);
  EXPECT_EQ(data.pixels.at(3072), 7) << "the second picture begins with a label's byte";
  EXPECT_EQ(data.sha256, sha256_hex(bytes_of(bytes)));
}

// The first byte is the coarse label, the second the fine one: the other way round a camel would be a class of trees.
TEST(Cifar, ReadsFineOrCoarseOfAHundred) {
  auto const bytes = bytes_of(record("\x13\x63", 5));
  auto const fine = parse_cifar(bytes, "a.bin", CifarLabels::kFine);
  EXPECT_EQ(fine.labels, (std::vector<std::int64_t>{99}));
  EXPECT_EQ(fine.class_names.at(99), "worm");
  EXPECT_EQ(fine.pixels.front(), 5);
  auto const coarse = parse_cifar(bytes, "a.bin", CifarLabels::kCoarse);
  EXPECT_EQ(coarse.labels, (std::vector<std::int64_t>{19}));
  EXPECT_EQ(coarse.class_names.at(19), "vehicles_2");
  EXPECT_EQ(coarse.pixels, fine.pixels);
}

TEST(Cifar, ThereAreTenHundredAndTwentyNames) {
  EXPECT_EQ(cifar_class_names(CifarLabels::kTen).size(), 10u);
  EXPECT_EQ(cifar_class_names(CifarLabels::kFine).size(), 100u);
  EXPECT_EQ(cifar_class_names(CifarLabels::kCoarse).size(), 20u);
  for (auto const labels : {CifarLabels::kTen, CifarLabels::kFine}) {
    auto const& names = cifar_class_names(labels);
    EXPECT_TRUE(std::is_sorted(names.begin(), names.end())) << "both sets number their classes by the alphabet";
  }
}

// Without these a truncated download or the other set's file would train on shifted pixels.
TEST(Cifar, DamageIsNamedWithFileAndOffset) {
  auto const refused = [](std::string const& bytes, CifarLabels labels) {
    return message_of<DataError>([&] { parse_cifar(bytes_of(bytes), "a.bin", labels); });
  };
  auto const good = record("\x01", 0);
  expect_mentions(refused(good + record("\x0a", 0), CifarLabels::kTen),
                  {"a.bin, byte 3073", "label of record 1 is 10", "0..9"});
  expect_mentions(refused(good + good.substr(0, 100), CifarLabels::kTen),
                  {"a.bin, byte 3073", "record 1", "3073 bytes"});
  expect_mentions(refused(record("\x01\x64", 0), CifarLabels::kFine), {"a.bin, byte 1", "is 100", "0..99"});
  expect_mentions(refused(record("\x14\x01", 0), CifarLabels::kCoarse), {"a.bin, byte 0", "is 20", "0..19"});
  expect_mentions(refused(record("\x01\x02", 0), CifarLabels::kTen), {"fits the records of CIFAR-100"});
  expect_mentions(refused(good, CifarLabels::kFine), {"fits the records of CIFAR-10"});
  expect_mentions(refused("", CifarLabels::kTen), {"a.bin, byte 0", "no records"});
}

TEST(Cifar, FolderIsCutIntoTrainingAndTestFilesByName) {
  TemporaryFolder folder;
  folder.put("data_batch_2.bin", record("\x02", 0));
  folder.put("data_batch_1.bin.gz", gzipped(record("\x01", 0)));
  folder.put("test_batch.bin", record("\x03", 0));
  folder.put("batches.meta.txt", "airplane");
  EXPECT_EQ(read_cifar(folder.path(), "train", CifarLabels::kTen).labels, (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(read_cifar(folder.path(), "test", CifarLabels::kTen).labels, (std::vector<std::int64_t>{3}));
  auto const one = folder.path() / "data_batch_2.bin";
  EXPECT_EQ(read_cifar(one, "test", CifarLabels::kTen).labels, (std::vector<std::int64_t>{2})) << "a file is all of it";
  TemporaryFolder empty;
  expect_mentions(message_of<DataError>([&] { read_cifar(empty.path(), "test", CifarLabels::kTen); }),
                  {empty.path().string(), "*.bin"});
}

}  // namespace
}  // namespace mneme
