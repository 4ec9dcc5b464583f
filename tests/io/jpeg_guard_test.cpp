#include "mneme/io/jpeg_guard.hpp"

#include "mneme/core/errors.hpp"
#include "mneme/io/image_file.hpp"
#include "tests/io/support.hpp"

namespace mneme {
namespace {

using namespace test;

std::string const kBegin = "\xFF\xD8";
std::string const kEnd = "\xFF\xD9";

std::string segment(char marker, std::string const& content) {
  auto const length = content.size() + 2;
  return std::string{'\xFF', marker, static_cast<char>(length >> 8), static_cast<char>(length)} + content;
}

/// One table that announces `codes` codes of 16 bits (at most 255) and the same of 15 bits.
std::string table(int codes_15, int codes_16) {
  std::string text = std::string(15, '\0') + static_cast<char>(codes_15) + static_cast<char>(codes_16);
  return text + std::string(static_cast<std::size_t>(codes_15 + codes_16), 'v');
}

bool fits(std::string const& text) { return jpeg_tables_fit(bytes_of(text)); }

// stb_image 2.27 writes past its table from 257 codes on.
TEST(JpegGuard, CodesAreCountedOverAllLengths) {
  EXPECT_TRUE(fits(kBegin + segment('\xC4', table(200, 55)) + kEnd));
  EXPECT_FALSE(fits(kBegin + segment('\xC4', table(200, 56)) + kEnd));
}

TEST(JpegGuard, EveryTableOfASegmentIsChecked) {
  EXPECT_TRUE(fits(kBegin + segment('\xC4', table(1, 2) + table(3, 4)) + kEnd));
  EXPECT_FALSE(fits(kBegin + segment('\xC4', table(1, 2) + table(200, 100)) + kEnd));
  EXPECT_FALSE(fits(kBegin + segment('\xC4', table(1, 2) + std::string(9, '\0')) + kEnd));
}

// A decoder tolerates fill bytes and padding before a marker, and reads on behind the data of a scan.
TEST(JpegGuard, TablesAreFoundWhereADecoderFindsThem) {
  std::string const bad = segment('\xC4', table(200, 100));
  EXPECT_FALSE(fits("\xFF\xFF" + kBegin + bad));
  EXPECT_FALSE(fits(kBegin + "padding\xFF\xFF" + bad));
  EXPECT_FALSE(fits(kBegin + segment('\xDA', "scan") + std::string("da\xFF\0ta\xFF\xD3more", 11) + bad));
}

// What looks like a table within a comment or an application's block is none.
TEST(JpegGuard, OtherSegmentsAreSkipped) {
  EXPECT_TRUE(fits(kBegin + segment('\xFE', segment('\xC4', table(200, 100))) + kEnd));
  EXPECT_TRUE(fits(kBegin + kEnd + segment('\xC4', table(200, 100))));
}

TEST(JpegGuard, OtherFormatsAndFragmentsAreLeftToTheDecoder) {
  for (std::string const text : {"", "\xFF", "\xFF\xD8", "\xFF\xD8\xFF\xC4", "\x89PNG", "BM"}) EXPECT_TRUE(fits(text));
}

TEST(JpegGuard, StandsBeforeTheDecoder) {
  std::string const bad = kBegin + segment('\xC4', table(200, 100)) + kEnd;
  expect_mentions(message_of<DataError>([&] { decode_image(bytes_of(bad), "a.jpg"); }), {"a.jpg", "Huffman"});
}

}  // namespace
}  // namespace mneme
