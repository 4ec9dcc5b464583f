#include "mneme/io/tensor_data.hpp"

#include <array>
#include <cstring>

#include "mneme/core/errors.hpp"
#include "mneme/io/safetensors.hpp"
#include "tests/io/support.hpp"

namespace mneme {
namespace {

using namespace test;

template <class T>
TensorBytes tensor(std::string const& name, std::string const& dtype, std::vector<std::int64_t> shape,
                   std::vector<T> const& values) {
  return {name, dtype, std::move(shape), std::as_bytes(std::span(values))};
}

std::vector<std::uint8_t> file_of(std::vector<TensorBytes> const& tensors,
                                  std::map<std::string, std::string> const& metadata = {}) {
  return bytes_of(encode_safetensors(tensors, metadata));
}

std::vector<std::uint8_t> const kPixels{1, 2, 3, 4, 5, 6};
std::vector<std::int64_t> const kLabels{2, 0, 1};
std::vector<std::int64_t> const kTasks{1, 0, 1};
std::vector<float> const kNumbers{0.5F, -1.0F, 2.0F, 4.0F, 8.0F, 16.0F};

TEST(TensorData, BytesArePictures) {
  auto const data = parse_tensor_data(
      file_of({tensor("x", "U8", {3, 1, 2}, kPixels), tensor("y", "I64", {3}, kLabels)}), "a.safetensors", "train");
  EXPECT_EQ(data.shape, (std::vector<std::int64_t>{3, 1, 1, 2}));
  EXPECT_EQ(data.pixels, kPixels);
  EXPECT_EQ(data.labels, kLabels);
  EXPECT_EQ(data.class_names, (std::vector<std::string>{"0", "1", "2"}));
}

TEST(TensorData, FloatsAreNumbersOfAnyShapeAndIntegersTokens) {
  std::vector<std::uint8_t> const labels{0, 1};
  auto const data = parse_tensor_data(file_of({tensor("x", "F32", {2, 1, 3}, kNumbers), tensor("y", "U8", {2}, labels)},
                                              {{"class_names", "[\"a\",\"b\"]"}}),
                                      "a", "train");
  EXPECT_EQ(data.shape, (std::vector<std::int64_t>{2, 1, 3}));
  EXPECT_EQ(data.features, kNumbers);
  EXPECT_EQ(data.class_names, (std::vector<std::string>{"a", "b"}));
  std::vector<std::int32_t> const ids{4, 5, 6, 0};
  auto const tokens =
      parse_tensor_data(file_of({tensor("x", "I32", {2, 2}, ids), tensor("y", "U8", {2}, labels)}), "a", "train");
  EXPECT_EQ(tokens.tokens, (std::vector<std::int64_t>{4, 5, 6, 0}));
}

// 1.5, -2, the least half above 0 and the greatest: exponent and fraction are taken apart by hand.
TEST(TensorData, ShortFloatsAreReadExactly) {
  std::vector<std::uint16_t> const halves{0x3e00, 0xc000, 0x0001, 0x7bff}, brains{0x3fc0, 0xc000, 0x0080, 0x7f7f};
  std::vector<std::uint8_t> const label{0};
  auto const read = [&](std::string const& dtype, std::vector<std::uint16_t> const& values) {
    return parse_tensor_data(file_of({tensor("x", dtype, {1, 4}, values), tensor("y", "U8", {1}, label)}), "a", "train")
        .features;
  };
  EXPECT_EQ(read("F16", halves), (std::vector<float>{1.5F, -2.0F, 0x1p-24F, 65504.0F}));
  EXPECT_EQ(read("BF16", brains), (std::vector<float>{1.5F, -2.0F, 0x1p-126F, 0x1.FEp127F}));
  expect_mentions(message_of<DataError>([&] { read("F16", {0, 0, 0, 0x7c00}); }), {"'x'", "row 0", "not finite"});
}

// Wrong: rows of another task are trained on, or labels stand beside other rows' pictures.
TEST(TensorData, OneTaskOfAPartIsChosen) {
  auto const file = file_of({tensor("x", "U8", {3, 2}, kPixels), tensor("y", "I64", {3}, kLabels),
                             tensor("task", "I64", {3}, kTasks), tensor("test.x", "U8", {3, 2}, kPixels),
                             tensor("test.y", "I64", {3}, std::vector<std::int64_t>{0, 0, 4})});
  auto const data = parse_tensor_data(file, "a", "train", 1);
  EXPECT_EQ(data.shape, (std::vector<std::int64_t>{2, 2}));
  EXPECT_EQ(data.pixels, (std::vector<std::uint8_t>{1, 2, 5, 6}));
  EXPECT_EQ(data.labels, (std::vector<std::int64_t>{2, 1}));
  EXPECT_EQ(data.class_names.size(), 5u) << "the test part has a class that the training part lacks";
  EXPECT_EQ(parse_tensor_data(file, "a", "test").labels, (std::vector<std::int64_t>{0, 0, 4}));
  expect_mentions(message_of<DataError>([&] { parse_tensor_data(file, "a", "train", 7); }), {"task 7"});
  expect_mentions(message_of<DataError>([&] { parse_tensor_data(file, "a", "test", 1); }), {"no tensor 'test.task'"});
}

TEST(TensorData, WhatDoesNotServeIsNamed) {
  auto const refused = [](std::vector<std::uint8_t> bytes, std::string const& split = "train") {
    return message_of<DataError>([&] { parse_tensor_data(std::move(bytes), "a.safetensors", split); });
  };
  auto const x = tensor("x", "U8", {3, 2}, kPixels), y = tensor("y", "I64", {3}, kLabels);
  expect_mentions(refused(bytes_of("short")), {"a.safetensors", "damaged"});
  expect_mentions(refused(file_of({x})), {"a.safetensors", "no tensor 'y'", "tensors here: x"});
  expect_mentions(refused(file_of({x, y}), "test"), {"no tensor 'test.x'"});
  expect_mentions(refused(file_of({tensor("x", "U8", {2, 3}, kPixels), y})), {"'y'", "[3]", "[2]"});
  expect_mentions(refused(file_of({tensor("x", "U8", {6}, kPixels), y})), {"'x'", "[N, ...]"});
  std::vector<std::int64_t> const unlabelled{0, -1, 0}, below{0, -2, 0};
  EXPECT_EQ(parse_tensor_data(file_of({x, tensor("y", "I64", {3}, unlabelled)}), "a", "train").labels, unlabelled);
  auto const test = file_of({tensor("test.x", "U8", {3, 2}, kPixels), tensor("test.y", "I64", {3}, unlabelled)});
  EXPECT_EQ(parse_tensor_data(test, "a", "test").labels, unlabelled) << "who measures accuracy refuses them";
  expect_mentions(refused(file_of({x, tensor("y", "I64", {3}, below)})), {"'y'", "row 1", "-2"});
  std::vector<std::int8_t> const bytes_below{0, 127, -128};
  expect_mentions(refused(file_of({x, tensor("y", "I8", {3}, bytes_below)})), {"'y'", "row 2", "-128"});
  std::vector<float> const numbers{0, 1, 2};
  expect_mentions(refused(file_of({x, tensor("y", "F32", {3}, numbers)})), {"'y'", "F32", "integers"});
  std::vector<std::int16_t> const shorts{0, 1, 2};
  expect_mentions(refused(file_of({tensor("x", "I16", {3, 1}, shorts), y})), {"'x'", "I16"});
  expect_mentions(refused(bytes_of(encode_safetensors(std::array{x, y}, {{"class_names", "[\"a\"]"}}))),
                  {"'y'", "row 0 has the label 2", "0..0"});
  expect_mentions(refused(bytes_of(encode_safetensors(std::array{x, y}, {{"class_names", "a, b"}}))), {"class_names"});
}

}  // namespace
}  // namespace mneme
