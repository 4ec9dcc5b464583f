#include "mneme/io/idx.hpp"

#include "mneme/core/errors.hpp"
#include "mneme/io/labelled.hpp"
#include "mneme/io/sha256.hpp"
#include "tests/io/make_files.hpp"
#include "tests/io/support.hpp"

namespace mneme {
namespace {

using namespace test;

std::string refusal(std::string const& bytes) {
  return message_of<DataError>([&] { parse_idx(bytes_of(bytes), "a.idx"); });
}

TEST(Idx, ReadsShapeAndElements) {
  auto const array = parse_idx(bytes_of(make_idx({2, 1, 3}, "abcdef")), "a.idx");
  EXPECT_EQ(array.shape, (std::vector<std::int64_t>{2, 1, 3}));
  EXPECT_EQ(array.data, bytes_of("abcdef"));
}

// Without the check of each of these a damaged download would train on shifted or random pixels.
TEST(Idx, DamageIsNamedWithFileAndOffset) {
  expect_mentions(refusal(std::string("\0\0\x08", 3)), {"a.idx, byte 3", "magic"});
  expect_mentions(refusal(std::string("\x01\0\x08\x01", 4)), {"a.idx, byte 0", "not zero"});
  expect_mentions(refusal(std::string("\0\0\x0b\x01", 4)), {"a.idx, byte 2", "type 11"});
  expect_mentions(refusal(std::string("\0\0\x08\0", 4)), {"byte 3", "no dimensions"});
  expect_mentions(refusal(std::string("\0\0\x08\x02\0\0\0\x01", 8)), {"byte 8", "header of 12"});
  expect_mentions(refusal(make_idx({2, 2}, "abc")), {"byte 15", "4 elements announced, 3 found"});
  expect_mentions(refusal(make_idx({2, 2}, "abcdef")), {"byte 16", "2 bytes follow"});
}

// 2^32-1 cubed does not fit into 64 bits: a wrapped product would pass the size check.
TEST(Idx, CountOverflowIsRefused) {
  std::uint32_t const huge = 0xffffffff;
  expect_mentions(refusal(make_idx({huge, huge, huge}, "")), {"a.idx, byte 12", "more elements than can be counted"});
}

std::string with_type(char type, std::string bytes) {
  bytes[2] = type;
  return bytes;
}

// Omniglot has 242 classes, EMNIST none beyond a byte: labels of another width must not be read as bytes.
TEST(IdxIntegers, OfEveryWidthAreReadBigEndianWithTheirSign) {
  auto const read = [](char type, std::uint32_t count, std::string const& elements) {
    return parse_idx_integers(bytes_of(with_type(type, make_idx({count}, elements))), "a.idx").data;
  };
  EXPECT_EQ(read('\x08', 2, "\x01\xff"), (std::vector<std::int64_t>{1, 255}));
  EXPECT_EQ(read('\x09', 2, "\x01\xff"), (std::vector<std::int64_t>{1, -1}));
  EXPECT_EQ(read('\x0b', 2, std::string("\x01\x02\xff\xfe", 4)), (std::vector<std::int64_t>{258, -2}));
  EXPECT_EQ(read('\x0c', 1, std::string("\0\x01\0\x02", 4)), (std::vector<std::int64_t>{65538}));
}

TEST(IdxIntegers, DamageIsNamed) {
  auto const refused = [](std::string const& bytes) {
    return message_of<DataError>([&] { parse_idx_integers(bytes_of(bytes), "a.idx"); });
  };
  expect_mentions(refused(with_type('\x0d', make_idx({1}, "abcd"))), {"a.idx, byte 2", "type 13", "8, 9, 11, 12"});
  expect_mentions(refused(with_type('\x0b', make_idx({2}, "abc"))), {"byte 11", "2 elements announced, 1 found"});
  expect_mentions(refused(with_type('\x0b', make_idx({1}, "abc"))), {"byte 10", "1 bytes follow"});
}

TEST(JoinIdx, RefusesMoreClassesThanAnyNetCouldTell) {
  IdxArray const image{{1, 1, 1}, {0}};
  expect_mentions(message_of<DataError>([&] { join_idx(image, {{1}, {70000}}, "set"); }), {"set", "70000", "65536"});
}

TEST(JoinIdx, GivesImagesWithOneChannelAndNamedClasses) {
  auto const data = join_idx({{2, 1, 2}, bytes_of("abcd")}, {{2}, {1, 0}}, "x");
  EXPECT_EQ(data.shape, (std::vector<std::int64_t>{2, 1, 1, 2}));
  EXPECT_EQ(data.labels, (std::vector<std::int64_t>{1, 0}));
  EXPECT_EQ(data.class_names, (std::vector<std::string>{"0", "1"}));
  EXPECT_EQ(data.count(), 2);
}

// EMNIST: images lie on their side and labels begin at 1.
TEST(JoinIdx, TurnsImagesUprightAndShiftsLabels) {
  IdxArray const images{{2, 2, 3}, {1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16}};
  auto const data = join_idx(images, {{2}, {1, 2}}, "x", {1, true, {"A", "B"}});
  EXPECT_EQ(data.shape, (std::vector<std::int64_t>{2, 1, 3, 2}));
  EXPECT_EQ(data.pixels, (std::vector<std::uint8_t>{1, 4, 2, 5, 3, 6, 11, 14, 12, 15, 13, 16}));
  EXPECT_EQ(data.labels, (std::vector<std::int64_t>{0, 1}));
}

TEST(JoinIdx, RefusesWhatDoesNotBelongTogether) {
  auto const join = [](IdxArray const& images, IdxIntegers const& labels, IdxRule const& rule = {}) {
    return message_of<DataError>([&] { join_idx(images, labels, "set", rule); });
  };
  expect_mentions(join({{1, 1, 1}, {0}}, {{2}, {0, 0}}), {"set", "1 images but 2 labels"});
  expect_mentions(join({{1}, {0}}, {{1}, {0}}), {"3 or 4 dimensions, found 1"});
  expect_mentions(join({{1, 1, 1}, {0}}, {{1, 1}, {0}}), {"labels must have 1 dimension"});
  expect_mentions(join({{2, 1, 1}, {0, 0}}, {{2}, {1, 0}}, {1, false, {"A"}}), {"label of image 1 is 0", "1..1"});
  expect_mentions(join({{2, 1, 1}, {0, 0}}, {{2}, {0, 3}}, {0, false, {"A", "B"}}), {"label of image 1 is 3", "0..1"});
}

TEST(IdxPair, HashIsOverImagesThenLabels) {
  TemporaryFolder folder;
  std::string const images = make_idx({1, 1, 1}, "x");
  std::string const labels = make_idx({1}, std::string(1, '\0'));
  auto const data = read_idx_pair(folder.put("i.gz", gzipped(images)), folder.put("l", labels));
  EXPECT_EQ(data.sha256, sha256_hex(bytes_of(images + labels)));
  EXPECT_EQ(read_idx(folder.path() / "i.gz").data, bytes_of("x"));
}

TEST(SliceRows, KeepsImagesLabelsAndNames) {
  LabelledData const data{{3, 1, 1, 2}, {1, 2, 3, 4, 5, 6}, {}, {}, {0, 1, 0}, {"a", "b"}, "hash"};
  auto const part = slice_rows(data, 1, 3);
  EXPECT_EQ(part.shape, (std::vector<std::int64_t>{2, 1, 1, 2}));
  EXPECT_EQ(part.pixels, (std::vector<std::uint8_t>{3, 4, 5, 6}));
  EXPECT_EQ(part.labels, (std::vector<std::int64_t>{1, 0}));
  EXPECT_EQ(part.sha256, "hash");
  EXPECT_THROW(slice_rows(data, 1, 4), DataError);
}

}  // namespace
}  // namespace mneme
