#include "mneme/io/tar.hpp"

#include "mneme/core/errors.hpp"
#include "mneme/io/bytes.hpp"
#include "tests/io/make_files.hpp"
#include "tests/io/support.hpp"

namespace mneme {
namespace {

using namespace test;

std::string refusal(std::string const& bytes) {
  auto const owned = bytes_of(bytes);
  return message_of<DataError>([&] { tar_members(owned, "a.tar"); });
}

TEST(Tar, ReadsRegularFilesAndPassesOverTheRest) {
  auto const bytes = bytes_of(make_tar(
      {{"d/", "", '5'}, {"d/a.bin", "abc"}, {"link", "", '2'}, {"d/b.bin", std::string(600, 'x')}, {"empty", ""}}));
  auto const members = tar_members(bytes, "a.tar");
  ASSERT_EQ(members.size(), 3u);
  EXPECT_EQ(members[0].name, "d/a.bin");
  EXPECT_EQ(as_text(members[0].content), "abc");
  EXPECT_EQ(as_text(members[1].content), std::string(600, 'x')) << "content is padded to blocks of 512";
  EXPECT_EQ(members[2].content.size(), 0u);
}

TEST(Tar, DamageIsNamedWithFileAndOffset) {
  auto const good = make_tar({{"a", std::string(600, 'x')}, {"b", "y"}});
  auto flipped = good;
  flipped[512 + 1024] ^= 1;
  expect_mentions(refusal(flipped), {"a.tar, byte 1536", "checksum"});
  expect_mentions(refusal(good.substr(0, 1000)), {"a.tar, byte 0", "'a' reaches beyond"});
  expect_mentions(refusal(good.substr(0, 1536 + 100)), {"a.tar, byte 1536", "ends within a header"});
  expect_mentions(refusal(std::string(600, 'x')), {"byte 0", "no tar archive"});
}

}  // namespace
}  // namespace mneme
