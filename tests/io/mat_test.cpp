#include "mneme/io/mat.hpp"

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "mneme/core/errors.hpp"
#include "mneme/io/bytes.hpp"
#include "mneme/io/svhn.hpp"
#include "tests/io/make_files.hpp"
#include "tests/io/support.hpp"

namespace mneme {
namespace {

using namespace test;

constexpr int kInt8 = 1, kUint8 = 2, kInt32 = 5, kUint32 = 6, kDouble = 9, kMatrix = 14, kCompressed = 15;
constexpr int kDoubleClass = 6, kUint8Class = 9, kCharClass = 4;

/// Writes the parts of a MAT-file in one order of bytes.
struct MatWriter {
  bool big = false;

  [[nodiscard]] std::string number(std::uint64_t value, int width) const {
    auto bytes = little_endian(value, width);
    if (big) std::reverse(bytes.begin(), bytes.end());
    return bytes;
  }
  [[nodiscard]] std::string word(std::uint64_t value) const { return number(value, 4); }
  [[nodiscard]] std::string element(int type, std::string const& content) const {
    std::string const padding((8 - content.size() % 8) % 8, '\0');
    return word(static_cast<std::uint64_t>(type)) + word(content.size()) + content + padding;
  }
  /// Up to four bytes of content within the tag.
  [[nodiscard]] std::string small_element(int type, std::string content) const {
    auto const tag = word(content.size() << 16 | static_cast<std::uint64_t>(type));
    content.resize(4, '\0');
    return tag + content;
  }
  [[nodiscard]] std::string matrix(std::string const& name, int kind, std::vector<int> const& shape, int type,
                                   std::string const& data, bool complex = false) const {
    std::string extents;
    for (int const extent : shape) extents += word(static_cast<std::uint64_t>(extent));
    auto const flags = word(static_cast<std::uint64_t>(kind | (complex ? 0x0800 : 0))) + word(0);
    return element(
        kMatrix, element(kUint32, flags) + element(kInt32, extents) + small_element(kInt8, name) + element(type, data));
  }
  /// Not padded, as MATLAB writes it.
  [[nodiscard]] std::string compressed(std::string const& inner) const {
    auto const packed = deflated(inner, 15);
    return word(kCompressed) + word(packed.size()) + packed;
  }
  [[nodiscard]] std::string header() const {
    return std::string("MATLAB 5.0 MAT-file") + std::string(105, ' ') + number(0x0100, 2) + (big ? "MI" : "IM");
  }
};

std::string refusal(std::string const& bytes) {
  return message_of<DataError>([&] { parse_mat(bytes_of(bytes), "a.mat"); });
}

TEST(Mat, ReadsNamesExtentsAndNumbersOfEitherByteOrder) {
  for (bool const big : {false, true}) {
    SCOPED_TRACE(big ? "big endian" : "little endian");
    MatWriter const w{big};
    auto const y = w.number(0x3ff8000000000000, 8) + w.number(0xc000000000000000, 8);  // 1.5 and -2
    auto const file = w.header() + w.matrix("x", kUint8Class, {2, 3}, kUint8, "\x01\x02\x03\x04\x05\xff") +
                      w.compressed(w.matrix("y", kDoubleClass, {2, 1}, kDouble, y)) +
                      w.matrix("z", kDoubleClass, {1, 1}, kInt32, w.word(0xfffffffe));
    auto const arrays = parse_mat(bytes_of(file), "a.mat");
    ASSERT_EQ(arrays.size(), 3u);
    EXPECT_EQ(arrays[0].name, "x");
    EXPECT_EQ(arrays[0].offset, 128u);
    EXPECT_EQ(arrays[0].shape, (std::vector<std::int64_t>{2, 3}));
    EXPECT_EQ(arrays[0].numbers(), (std::vector<double>{1, 2, 3, 4, 5, 255}));
    EXPECT_EQ(find_array(arrays, "y", "a.mat").numbers(), (std::vector<double>{1.5, -2}));
    EXPECT_EQ(arrays[2].numbers(), (std::vector<double>{-2})) << "whole numbers of class double stand narrower";
  }
}

TEST(Mat, WhatIsNoArrayOfRealNumbersIsPassedOver) {
  MatWriter const w;
  auto const file = w.header() + w.matrix("text", kCharClass, {1, 1}, kUint8, "a") +
                    w.matrix("c", kDoubleClass, {1, 1}, kUint8, "a", true) +
                    w.matrix("n", kDoubleClass, {1, 1}, kUint8, "\x07");
  auto const arrays = parse_mat(bytes_of(file), "a.mat");
  ASSERT_EQ(arrays.size(), 1u);
  EXPECT_EQ(arrays[0].name, "n");
  expect_mentions(message_of<DataError>([&] { find_array(arrays, "X", "a.mat"); }), {"a.mat", "'X'", "arrays: n"});
}

// Each of these would otherwise read beyond the file, or pictures that are not there.
TEST(Mat, DamageIsNamedWithFileAndOffset) {
  MatWriter const w;
  auto const good = w.header() + w.matrix("x", kUint8Class, {2, 1}, kUint8, "ab");
  expect_mentions(refusal(std::string("\x89HDF\r\n", 6) + good), {"a.mat, byte 0", "7.3", "-v7"});
  expect_mentions(refusal("MATLAB 7.3 MAT-file"), {"7.3", "-v7"});
  expect_mentions(refusal(good.substr(0, 100)), {"a.mat, byte 100", "header of 128"});
  expect_mentions(refusal(std::string(200, 'x')), {"a.mat, byte 126", "byte order"});
  auto other = good;
  other[125] = '\x02';
  expect_mentions(refusal(other), {"byte 124", "version 2"});
  expect_mentions(refusal(good.substr(0, good.size() - 8)), {"a.mat, byte 128", "truncated"});
  expect_mentions(refusal(good + "abc"), {"byte " + std::to_string(good.size()), "tag"});
  expect_mentions(refusal(w.header() + w.matrix("x", kUint8Class, {3, 1}, kUint8, "ab")),
                  {"a.mat, variable at byte 128, byte 40", "should have 3 bytes, found 2"});
  expect_mentions(refusal(w.header() + w.matrix("x", kUint8Class, {-3, 1}, kUint8, "ab")), {"extent -3"});
  expect_mentions(refusal(w.header() + w.matrix("x", kUint8Class, {2}, kUint8, "ab")), {"fewer than two extents"});
  int const most = 0x7fffffff;
  expect_mentions(refusal(w.header() + w.matrix("x", kUint8Class, {most, most, most}, kUint8, "ab")),
                  {"more elements than can be counted"});
  auto const packed = w.compressed(w.matrix("x", kUint8Class, {2, 1}, kUint8, "ab"));
  auto damaged = w.header() + packed;
  damaged[damaged.size() - 1] ^= 1;
  expect_mentions(refusal(damaged), {"a.mat, variable at byte 128", "damaged"});
  auto const cut = w.word(kCompressed) + w.word(packed.size() - 8 - 6) + packed.substr(8, packed.size() - 8 - 6);
  expect_mentions(refusal(w.header() + cut), {"variable at byte 128", "truncated"});
}

/// Two pictures of height 2, width 3, one channel; X runs down the columns.
std::string svhn(std::string const& labels, std::vector<int> const& shape = {2, 3, 1, 2}) {
  MatWriter const w;
  return w.header() + w.compressed(w.matrix("X", kUint8Class, shape, kUint8, "abcdefABCDEF")) +
         w.compressed(w.matrix("y", kUint8Class, {static_cast<int>(labels.size()), 1}, kUint8, labels));
}

// Wrong: pictures lie on their side, or 0 is a class of its own.
TEST(Svhn, GivesUprightPicturesAndDigits) {
  auto const data = parse_svhn(bytes_of(svhn("\x0a\x01")), "a.mat");
  EXPECT_EQ(data.shape, (std::vector<std::int64_t>{2, 1, 2, 3}));
  EXPECT_EQ(data.pixels, bytes_of("acebdfACEBDF"));
  EXPECT_EQ(data.labels, (std::vector<std::int64_t>{0, 1}));
  EXPECT_EQ(data.class_names, (std::vector<std::string>{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}));
  auto const one = parse_svhn(bytes_of(svhn("\x02", {2, 3, 2})), "a.mat");
  EXPECT_EQ(one.shape, (std::vector<std::int64_t>{1, 2, 2, 3})) << "MATLAB drops a last extent of 1";
}

TEST(Svhn, RefusesOtherLabelsAndArrays) {
  auto const refused = [](std::string const& bytes) {
    return message_of<DataError>([&] { parse_svhn(bytes_of(bytes), "a.mat"); });
  };
  expect_mentions(refused(svhn("\x01\x0b")), {"a.mat, byte", "label of picture 1", "is 11", "1..10"});
  expect_mentions(refused(svhn(std::string("\0\x01", 2))), {"picture 0", "is 0"});
  expect_mentions(refused(svhn("\x01\x02\x03")), {"a.mat", "2 images but 3 labels"});
  expect_mentions(refused(svhn("\x01", {12, 1})), {"a.mat, byte 128", "[H, W, C, N]"});
  MatWriter const w;
  expect_mentions(refused(w.header() + w.matrix("X", kUint8Class, {1, 1, 1}, kUint8, "a")), {"'y'", "arrays: X"});
}

// Wrong: extents of pictures that are not there are memory that is asked for.
TEST(Svhn, NoPicturesTakeNoMemoryWhateverTheirExtents) {
  MatWriter const w;
  int const largest = std::numeric_limits<int>::max();
  auto const none = parse_svhn(bytes_of(w.header() + w.matrix("X", kUint8Class, {largest, largest, 1, 0}, kUint8, "") +
                                        w.matrix("y", kUint8Class, {0, 1}, kUint8, "")),
                               "a.mat");
  EXPECT_EQ(none.count(), 0);
  EXPECT_TRUE(none.pixels.empty());
}

// A file in the layout of the published ones, with the pictures of an idx file that is read by other code.
TEST(Svhn, RealFileEqualsTheSamePicturesInAnotherFormat) {
  char const* const data = std::getenv("MNEME_DATA");
  std::filesystem::path const folder = std::filesystem::path(data ? data : "/nonexistent") / "svhn_gray_derived";
  if (!std::filesystem::exists(folder / "svhn_format_fixture_500.mat")) GTEST_SKIP() << "no fixture below MNEME_DATA";
  auto const svhn = read_svhn(folder / "svhn_format_fixture_500.mat");
  auto const idx =
      read_idx_pair(folder / "svhn-gray-test-images-idx3-ubyte.gz", folder / "svhn-gray-test-labels-idx1-ubyte.gz");
  ASSERT_EQ(svhn.shape, (std::vector<std::int64_t>{500, 3, 32, 32}));
  EXPECT_TRUE(std::equal(svhn.labels.begin(), svhn.labels.end(), idx.labels.begin()));
  std::size_t const area = 32 * 32;
  for (std::size_t plane = 0; plane < std::size_t{3} * 500; ++plane)
    ASSERT_TRUE(std::equal(svhn.pixels.begin() + static_cast<std::ptrdiff_t>(plane * area),
                           svhn.pixels.begin() + static_cast<std::ptrdiff_t>((plane + 1) * area),
                           idx.pixels.begin() + static_cast<std::ptrdiff_t>(plane / 3 * area)))
        << "plane " << plane;
}

}  // namespace
}  // namespace mneme
