#include "mneme/io/zip.hpp"

#include <sstream>

#include "mneme/core/errors.hpp"
#include "tests/io/make_files.hpp"
#include "tests/io/support.hpp"

namespace mneme {
namespace {

using namespace test;

std::string const kText(5000, 'e');

std::string archive() { return make_zip({{"gzip/a.gz", kText}, {"gzip/b.gz", "stored", false}, {"other/b.gz", "x"}}); }

std::vector<std::uint8_t> read_member(std::string const& bytes, std::string const& name, std::uint64_t limit = 10'000) {
  std::istringstream stream(bytes);
  ZipReader const zip(stream, "z.zip");
  return zip.read(zip.find(name), limit);
}

TEST(Zip, ReadsDeflatedAndStoredMembers) {
  EXPECT_EQ(read_member(archive(), "gzip/a.gz"), bytes_of(kText));
  EXPECT_EQ(read_member(archive(), "gzip/b.gz"), bytes_of("stored"));
}

TEST(Zip, MemberIsFoundByItsLastPartWhereThatIsUnique) {
  EXPECT_EQ(read_member(archive(), "a.gz"), bytes_of(kText));
  expect_mentions(message_of<DataError>([] { read_member(archive(), "b.gz"); }), {"z.zip", "several", "b.gz"});
  expect_mentions(message_of<DataError>([] { read_member(archive(), "c.gz"); }), {"no member 'c.gz'"});
}

// The end record is looked for from behind, since a comment may follow it.
TEST(Zip, CommentAtTheEndIsAllowed) {
  EXPECT_EQ(read_member(archive() + "a comment", "gzip/b.gz"), bytes_of("stored"));
}

TEST(Zip, DamageIsRefused) {
  EXPECT_THROW(read_member("", "a.gz"), DataError);
  expect_mentions(message_of<DataError>([] { read_member("no archive at all, yet long enough", "a"); }),
                  {"z.zip", "end record"});
  std::string flipped = archive();
  flipped[flipped.find("stored") + 1] ^= 1;
  expect_mentions(message_of<DataError>([&] { read_member(flipped, "gzip/b.gz"); }), {"gzip/b.gz", "checksum"});
  expect_mentions(message_of<DataError>([] { read_member(archive(), "a.gz", 4999); }), {"5000", "4999"});
  std::string cut = archive().erase(40, 30);  // every offset of the directory is now wrong
  EXPECT_THROW(read_member(cut, "a.gz"), DataError);
}

}  // namespace
}  // namespace mneme
