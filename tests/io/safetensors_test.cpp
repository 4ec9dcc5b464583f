#include "mneme/io/safetensors.hpp"

#include <array>

#include "mneme/core/errors.hpp"
#include "tests/io/make_files.hpp"
#include "tests/io/support.hpp"

namespace mneme {
namespace {

using namespace test;

constexpr std::array<float, 2> kFloats{1.5f, -2.0f};
constexpr std::array<std::uint8_t, 3> kBytes{7, 8, 9};
constexpr std::array<std::int64_t, 1> kLong{-5};

std::vector<TensorBytes> sample() {
  return {{"mask", "U8", {3}, std::as_bytes(std::span(kBytes))},
          {"weight", "F32", {1, 2}, std::as_bytes(std::span(kFloats))},
          {"step", "I64", {}, std::as_bytes(std::span(kLong))},
          {"none", "F32", {0, 4}, {}}};
}

std::string with_header(std::string const& header, std::string const& data = "") {
  return little_endian(header.size(), 8) + header + data;
}

std::string refusal(std::string const& bytes) {
  return message_of<CheckpointError>([&] { SafetensorsFile::parse(bytes_of(bytes), "c.safetensors"); });
}

TEST(Safetensors, WhatIsWrittenIsRead) {
  TemporaryFolder folder;
  auto const path = folder.path() / "c.safetensors";
  write_safetensors(path, sample(), {{"format", "1"}, {"note", "a \"quoted\" word"}});
  auto const file = SafetensorsFile::read(path);
  ASSERT_EQ(file.tensors().size(), 4u);
  for (auto const& expected : sample()) {
    auto const* found = file.find(expected.name);
    ASSERT_NE(found, nullptr) << expected.name;
    EXPECT_EQ(found->dtype, expected.dtype);
    EXPECT_EQ(found->shape, expected.shape);
    EXPECT_TRUE(std::equal(found->bytes.begin(), found->bytes.end(), expected.bytes.begin(), expected.bytes.end()));
  }
  EXPECT_EQ(file.find("other"), nullptr);
  EXPECT_EQ(file.metadata().at("note"), "a \"quoted\" word");
}

// The layout by hand: any other order of bytes could not be read by other tools. The header is padded to 8 bytes and
// wider elements stand first, so that every tensor is aligned.
TEST(Safetensors, LayoutIsThatOfTheFormat) {
  std::vector<TensorBytes> const tensors{{"b", "U8", {3}, std::as_bytes(std::span(kBytes))},
                                         {"a", "F32", {2}, std::as_bytes(std::span(kFloats))}};
  // The checksum is that of python's zlib.crc32(bytes.fromhex('0000c03f000000c0070809')).
  std::string header =
      R"({"__metadata__":{"crc32":"4daa395a"},)"
      R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[3],"data_offsets":[8,11]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  EXPECT_EQ(encode_safetensors(tensors), with_header(header, std::string("\0\0\xc0\x3f\0\0\0\xc0\x07\x08\x09", 11)));
}

// Weights with one flipped bit would be gone on with as if they were the run's.
TEST(Safetensors, AFlippedBitIsFound) {
  auto bytes = encode_safetensors(sample());
  EXPECT_NO_THROW(SafetensorsFile::parse(bytes_of(bytes), "c.safetensors"));
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  expect_mentions(refusal(bytes), {"c.safetensors", "checksum"});
}

// A moved file must still own what its tensors point to.
TEST(Safetensors, TensorsSurviveAMove) {
  auto first = SafetensorsFile::parse(bytes_of(encode_safetensors(sample())), "x");
  SafetensorsFile const second = std::move(first);
  EXPECT_EQ(second.find("mask")->bytes[2], std::byte{9});
}

TEST(Safetensors, WriterRefusesWhatItCouldNotRead) {
  auto const refuse = [](std::vector<TensorBytes> const& tensors) {
    return message_of<ConfigError>([&] { encode_safetensors(tensors); });
  };
  auto const bytes = std::as_bytes(std::span(kBytes));
  expect_mentions(refuse({{"a", "U8", {3}, bytes}, {"a", "U8", {3}, bytes}}), {"two tensors", "'a'"});
  expect_mentions(refuse({{"a", "U8", {4}, bytes}}), {"3 bytes", "[4]"});
  expect_mentions(refuse({{"a", "Q7", {3}, bytes}}), {"Q7"});
  expect_mentions(refuse({{"a", "U8", {-3}, bytes}}), {"[-3]"});
  expect_mentions(refuse({{"__metadata__", "U8", {3}, bytes}}), {"__metadata__"});
  EXPECT_THROW(write_safetensors("/nonexistent/c.safetensors", sample()), IoError);
}

TEST(Safetensors, DamageIsNamed) {
  expect_mentions(refusal("abc"), {"c.safetensors", "8 bytes"});
  expect_mentions(refusal(little_endian(1000, 8) + "{}"), {"header of 1000 bytes"});
  expect_mentions(refusal(little_endian(~0ull, 8) + "{}"), {"header of"});
  expect_mentions(refusal(with_header("{")), {"no JSON object"});
  expect_mentions(refusal(with_header("[]")), {"no JSON object"});
  expect_mentions(refusal(with_header(R"({"a":3})")), {"'a'", "no JSON object"});
  expect_mentions(refusal(with_header(R"({"a":{"shape":[1],"data_offsets":[0,1]}})", "x")), {"'a'", "dtype"});
  expect_mentions(refusal(with_header(R"({"a":{"dtype":"U8","data_offsets":[0,1]}})", "x")), {"'shape'"});
  expect_mentions(refusal(with_header(R"({"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}})", "x")), {"no size"});
  expect_mentions(refusal(with_header(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0]}})", "x")), {"2 data"});
  expect_mentions(refusal(with_header(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", "x")), {"0 to 2"});
  expect_mentions(refusal(with_header(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}})", "x")), {"1 to 0"});
  expect_mentions(refusal(with_header(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,1]}})", "x")), {"F32"});
  expect_mentions(refusal(with_header(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", "xy")), {"cover 1"});
  expect_mentions(refusal(with_header(R"({"__metadata__":{"k":1}})")), {"'k'", "no string"});
  expect_mentions(message_of<CheckpointError>([] { SafetensorsFile::read("/nonexistent/c"); }), {"no such file"});
}

// Sizes whose product wraps to 0 must not pass for an empty tensor.
TEST(Safetensors, OverflowingShapeIsRefused) {
  expect_mentions(refusal(with_header(R"({"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}})")),
                  {"'a'"});
}

TEST(Safetensors, OverlapAndGapAreRefused) {
  std::string const two =
      R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[BB]}})";
  auto const with = [&](std::string const& offsets) {
    return with_header(std::string(two).replace(two.find("BB"), 2, offsets), "wxyz");
  };
  expect_mentions(refusal(with("1,3")), {"'b'", "begins at byte 1", "ends at 2"});
  expect_mentions(refusal(with("0,2")), {"'b'", "begins at byte 0"});
  std::string const gap = with_header(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})", "xy");
  expect_mentions(refusal(gap), {"'a'", "begins at byte 1", "ends at 0"});
  EXPECT_EQ(SafetensorsFile::parse(bytes_of(with("2,4")), "x").find("b")->bytes[0], std::byte{'y'});
}

}  // namespace
}  // namespace mneme
