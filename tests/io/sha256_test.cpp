#include "mneme/io/sha256.hpp"

#include "mneme/core/errors.hpp"
#include "mneme/io/bytes.hpp"
#include "tests/io/support.hpp"

namespace mneme {
namespace {

// The examples of FIPS 180-4; the second fills more than one block, the last a million bytes.
TEST(Sha256, StandardVectors) {
  EXPECT_EQ(sha256_hex({}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex(as_bytes("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex(as_bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256_hex(as_bytes(std::string(1'000'000, 'a'))),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

// How the input is cut must not matter; every length around the block size takes another path through the padding.
TEST(Sha256, PiecesEqualTheWhole) {
  for (std::size_t size = 0; size < 200; ++size) {
    std::string const text(size, 'q');
    Sha256 pieces;
    for (std::size_t at = 0; at < size; at += 7) pieces.update(as_bytes(std::string_view(text).substr(at, 7)));
    ASSERT_EQ(pieces.hex(), sha256_hex(as_bytes(text))) << size;
  }
}

// Data sets hash the images, read the value, and go on with the labels.
TEST(Sha256, ReadingLeavesTheStateAlone) {
  Sha256 hash;
  hash.update(as_bytes("a"));
  EXPECT_EQ(hash.hex(), sha256_hex(as_bytes("a")));
  hash.update(as_bytes("bc"));
  EXPECT_EQ(hash.hex(), sha256_hex(as_bytes("abc")));
}

TEST(Sha256, FileEqualsItsBytes) {
  test::TemporaryFolder folder;
  std::string const text(3'000'001, 'z');
  EXPECT_EQ(sha256_file(folder.put("big", text)), sha256_hex(as_bytes(text)));
  EXPECT_EQ(sha256_file(folder.put("empty", "")), sha256_hex({}));
  EXPECT_THROW(sha256_file(folder.path() / "missing"), DataError);
}

}  // namespace
}  // namespace mneme
