#include "mneme/core/errors.hpp"
#include "mneme/io/bytes.hpp"
#include "mneme/io/image_file.hpp"
#include "mneme/io/image_folder.hpp"
#include "mneme/io/sha256.hpp"
#include "tests/io/support.hpp"

namespace mneme {
namespace {

using namespace test;

std::filesystem::path gray_png(TemporaryFolder const& folder, std::string const& name, std::int64_t height,
                               std::int64_t width, std::uint8_t value) {
  auto const path = folder.put(name, "");
  std::vector<std::uint8_t> const pixels(static_cast<std::size_t>(height * width), value);
  write_png(path, width, height, 1, pixels);
  return path;
}

// Interleaved on the way out, planes on the way in: a mix-up would turn colours into stripes.
TEST(ImageFile, PngComesBackAsPlanes) {
  TemporaryFolder folder;
  auto const path = folder.path() / "rgb.png";
  write_png(path, 2, 1, 3, std::vector<std::uint8_t>{1, 2, 3, 4, 5, 6});
  auto const image = read_image(path);
  EXPECT_EQ(image.channels, 3);
  EXPECT_EQ(image.height, 1);
  EXPECT_EQ(image.width, 2);
  EXPECT_EQ(image.pixels, (std::vector<std::uint8_t>{1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(read_image(path, 1).pixels.size(), 2u);
}

// A 2 x 2 bitmap of 24 bits: rows from below, blue first, padded to 4 bytes.
TEST(ImageFile, ReadsBmp) {
  std::string bmp = "BM";
  bmp += std::string("\x46\0\0\0\0\0\0\0\x36\0\0\0", 12);
  bmp += std::string("\x28\0\0\0\x02\0\0\0\x02\0\0\0\x01\0\x18\0\0\0\0\0\x10\0\0\0", 24) + std::string(16, '\0');
  bmp += std::string("\x03\x02\x01\x06\x05\x04\0\0", 8) + std::string("\x09\x08\x07\x0c\x0b\x0a\0\0", 8);
  auto const image = decode_image(bytes_of(bmp), "a.bmp");
  EXPECT_EQ(image.pixels, (std::vector<std::uint8_t>{7, 10, 1, 4, 8, 11, 2, 5, 9, 12, 3, 6}));
}

// A JPEG file of 4 x 4 pixels, all 200.
TEST(ImageFile, ReadsJpeg) {
  std::string const hex =
      "ffd8ffe000104a46494600010100000100010000ffdb004300100b0c0e0c0a100e0d0e1211101318281a181616183123"
      "251d283a333d3c3933383740485c4e404457453738506d51575f626768673e4d71797064785c656763ffc0000b080004"
      "000401011100ffc40014000100000000000000000000000000000006ffc4001410010000000000000000000000000000"
      "0000ffda0008010100003f0048ffd9";
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    bytes.push_back(static_cast<std::uint8_t>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  auto const image = decode_image(bytes, "a.jpg");
  EXPECT_EQ(image.channels, 1);
  ASSERT_EQ(image.pixels.size(), 16u);
  for (auto const pixel : image.pixels) EXPECT_NEAR(pixel, 200, 2);
}

TEST(ImageFile, DamageIsNamed) {
  TemporaryFolder folder;
  expect_mentions(message_of<DataError>([&] { read_image(folder.put("a.png", "no picture")); }), {"a.png", "readable"});
  auto const path = gray_png(folder, "cut.png", 20, 20, 9);
  std::string const whole = contents(path);
  folder.put("cut.png", whole.substr(0, whole.size() / 2));
  expect_mentions(message_of<DataError>([&] { read_image(path); }), {"cut.png", "damaged"});
}

TEST(ImageFile, ImpossiblePictureOrPlaceIsRefused) {
  TemporaryFolder folder;
  EXPECT_THROW(write_png(folder.path() / "a.png", 2, 2, 1, std::vector<std::uint8_t>(3)), ConfigError);
  EXPECT_THROW(write_png(folder.path() / "missing" / "a.png", 1, 1, 1, std::vector<std::uint8_t>(1)), IoError);
  EXPECT_THROW(decode_image({}, "x", 2), ConfigError);
}

// By hand: halving 4 to 2, each triangle has radius 2, so weights before normalisation are .75 .75 .25 and .25 .75 .75.
TEST(ResizeImage, ShrinkingAverages) {
  Image const row{1, 1, 4, {0, 70, 140, 210}};
  EXPECT_EQ(resize_image(row, 1, 2).pixels, (std::vector<std::uint8_t>{50, 160}));
}

TEST(ResizeImage, EnlargingInterpolates) {
  Image const column{1, 2, 1, {0, 100}};
  EXPECT_EQ(resize_image(column, 4, 1).pixels, (std::vector<std::uint8_t>{0, 25, 75, 100}));
}

TEST(ResizeImage, ConstantStaysConstantInEveryChannel) {
  Image const image{3, 1, 1, {10, 20, 30}};
  auto const big = resize_image(image, 5, 7);
  ASSERT_EQ(big.pixels.size(), 3u * 35);
  for (std::size_t i = 0; i < 35; ++i) {
    EXPECT_EQ(big.pixels[i], 10);
    EXPECT_EQ(big.pixels[35 + i], 20);
    EXPECT_EQ(big.pixels[70 + i], 30);
  }
}

TEST(ImageFolder, ClassesAndFilesAreSorted) {
  TemporaryFolder folder;
  gray_png(folder, "dog/1.png", 1, 1, 31);
  gray_png(folder, "cat/b.PNG", 1, 1, 22);
  gray_png(folder, "cat/a.png", 1, 1, 21);
  folder.put("cat/notes.txt", "not a picture");
  folder.put("empty/notes.txt", "no class");
  auto const data = read_image_folder(folder.path());
  EXPECT_EQ(data.shape, (std::vector<std::int64_t>{3, 1, 1, 1}));
  EXPECT_EQ(data.pixels, (std::vector<std::uint8_t>{21, 22, 31}));
  EXPECT_EQ(data.labels, (std::vector<std::int64_t>{0, 0, 1}));
  EXPECT_EQ(data.class_names, (std::vector<std::string>{"cat", "dog"}));
  EXPECT_EQ(data.sha256.size(), 64u);
}

TEST(ImageFolder, UnequalSizesAreNamedOrResized) {
  TemporaryFolder folder;
  gray_png(folder, "x/a.png", 2, 2, 1);
  gray_png(folder, "x/b.png", 3, 2, 5);
  expect_mentions(message_of<DataError>([&] { read_image_folder(folder.path()); }), {"b.png", "3 x 2", "2 x 2"});
  auto const data = read_image_folder(folder.path(), {.channels = 1, .height = 4, .width = 4});
  EXPECT_EQ(data.shape, (std::vector<std::int64_t>{2, 1, 4, 4}));
  EXPECT_EQ(data.pixels.back(), 5);
}

TEST(ImageFolder, WhatCannotBeReadIsNamed) {
  TemporaryFolder folder;
  expect_mentions(message_of<DataError>([&] { read_image_folder(folder.path()); }), {"holds no pictures"});
  EXPECT_THROW(read_image_folder(folder.path() / "missing"), DataError);
  EXPECT_THROW(read_image_folder(folder.path(), {.height = 3}), ConfigError);
  folder.put("x/broken.jpg", "rubbish");
  expect_mentions(message_of<DataError>([&] { read_image_folder(folder.path()); }), {"broken.jpg"});
}

}  // namespace
}  // namespace mneme
