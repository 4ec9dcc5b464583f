#include "mneme/io/bytes.hpp"

#include "mneme/core/errors.hpp"
#include "tests/io/make_files.hpp"
#include "tests/io/support.hpp"

namespace mneme {
namespace {

using namespace test;

TEST(Bytes, MissingFileIsNamed) {
  expect_mentions(message_of<DataError>([] { read_file("/nonexistent/x.gz"); }), {"/nonexistent/x.gz", "no such file"});
}

TEST(Bytes, FolderIsNoFile) {
  TemporaryFolder folder;
  expect_mentions(message_of<DataError>([&] { read_file(folder.path()); }), {"not a regular file"});
}

// A .gz file and its decompressed twin must give the same data, whatever they are called.
TEST(Bytes, GzipIsDetectedByItsMagic) {
  TemporaryFolder folder;
  std::string const text(100'000, 'x');
  EXPECT_EQ(read_file_decompressed(folder.put("plain.gz", text)), bytes_of(text));
  EXPECT_EQ(read_file_decompressed(folder.put("packed", gzipped(text))), bytes_of(text));
  EXPECT_EQ(read_file_decompressed(folder.put("empty", "")), bytes_of(""));
}

// gzip allows several members in one file; dropping the later ones would lose data silently.
TEST(Bytes, AllGzipMembersAreRead) {
  EXPECT_EQ(gunzip(bytes_of(gzipped("one ") + gzipped("two")), "x"), bytes_of("one two"));
}

TEST(Bytes, TruncatedGzipIsRefusedAtItsEnd) {
  std::string const packed = gzipped("some text that is long enough to be cut");
  for (std::size_t size = 2; size < packed.size(); ++size) {
    auto const message = message_of<DataError>([&] { gunzip(bytes_of(packed.substr(0, size)), "cut.gz"); });
    expect_mentions(message, {"cut.gz, byte " + std::to_string(size), "truncated"});
  }
}

TEST(Bytes, DamagedGzipIsRefused) {
  std::string packed = gzipped(std::string(1000, 'a') + std::string(1000, 'b'));
  packed[packed.size() - 6] ^= 1;  // within the checksum
  expect_mentions(message_of<DataError>([&] { gunzip(bytes_of(packed), "bad.gz"); }), {"bad.gz", "damaged"});
  expect_mentions(message_of<DataError>([] { gunzip(bytes_of(gzipped("x") + "rubbish"), "tail.gz"); }), {"tail.gz"});
}

// A few kilobytes can inflate to gigabytes; the limit is inclusive.
TEST(Bytes, InflationIsBounded) {
  std::string const packed = gzipped(std::string(1'000'000, '\0'));
  EXPECT_EQ(gunzip(bytes_of(packed), "bomb.gz", 1'000'000).size(), 1'000'000u);
  expect_mentions(message_of<DataError>([&] { gunzip(bytes_of(packed), "bomb.gz", 999'999); }), {"bomb.gz", "999999"});
}

TEST(Bytes, RawDeflateMustHaveTheAnnouncedSize) {
  auto const packed = bytes_of(deflated("hello", -15));
  EXPECT_EQ(inflate_raw(packed, 5, "x"), bytes_of("hello"));
  EXPECT_THROW(inflate_raw(packed, 4, "x"), DataError);
  EXPECT_THROW(inflate_raw(packed, 6, "x"), DataError);
}

}  // namespace
}  // namespace mneme
