#include "mneme/io/csv.hpp"

#include "mneme/core/errors.hpp"
#include "mneme/io/sha256.hpp"
#include "tests/io/make_files.hpp"
#include "tests/io/support.hpp"

namespace mneme {
namespace {

using namespace test;

std::string refusal(std::string const& text, CsvOptions const& options = {}) {
  return message_of<DataError>([&] { parse_csv(text, "t.csv", options); });
}

TEST(Csv, FeaturesKeepTheirOrderAroundTheLabel) {
  auto const data = parse_csv("a,label,b\n1,cat,2.5\n-3e2,ant,+4\n", "t.csv");
  EXPECT_EQ(data.shape, (std::vector<std::int64_t>{2, 2}));
  EXPECT_EQ(data.features, (std::vector<float>{1, 2.5f, -300, 4}));
  EXPECT_EQ(data.class_names, (std::vector<std::string>{"ant", "cat"}));
  EXPECT_EQ(data.labels, (std::vector<std::int64_t>{1, 0}));
  EXPECT_TRUE(data.pixels.empty());
}

// "10" sorts before "9" as text; classes would change their order with the number of classes.
TEST(Csv, IntegerLabelsAreOrderedAsNumbers) {
  EXPECT_EQ(parse_csv("x,label\n0,10\n0,9\n0,-1\n", "t").class_names, (std::vector<std::string>{"-1", "9", "10"}));
  EXPECT_EQ(parse_csv("x,label\n0,10\n0,9\n0,b\n", "t").class_names, (std::vector<std::string>{"10", "9", "b"}));
}

// RFC 4180: delimiters, doubled quotes and line breaks within quotes; CRLF; a last line without an end.
TEST(Csv, QuotingFollowsTheStandard) {
  auto const data = parse_csv("\"x\",label\r\n\"1\",\"a,\"\"b\"\"\nc\"\r\n\r\n 2 , d ", "t.csv");
  EXPECT_EQ(data.class_names, (std::vector<std::string>{"a,\"b\"\nc", "d"}));
  EXPECT_EQ(data.features, (std::vector<float>{1, 2}));
}

TEST(Csv, ByteOrderMarkIsNoPartOfTheFirstName) {
  EXPECT_EQ(parse_csv("\xEF\xBB\xBFlabel;x\na;1\n", "t", {.delimiter = ';'}).class_names.front(), "a");
}

TEST(Csv, WithoutHeaderTheLabelIsTheLastOrANumberedColumn) {
  EXPECT_EQ(parse_csv("1,2,a\n3,4,b\n", "t", {.header = false}).features, (std::vector<float>{1, 2, 3, 4}));
  auto const data = parse_csv("a,2\nb,4\n", "t", {.label = "0", .header = false});
  EXPECT_EQ(data.features, (std::vector<float>{2, 4}));
  EXPECT_EQ(data.labels, (std::vector<std::int64_t>{0, 1}));
  expect_mentions(refusal("a,2\n", {.label = "7", .header = false}), {"line 1", "column number '7'"});
}

TEST(Csv, FaultsAreNamedWithFileAndLine) {
  expect_mentions(refusal(""), {"t.csv", "empty"});
  expect_mentions(refusal("x,label\n"), {"t.csv", "no rows"});
  expect_mentions(refusal("x,y\n1,2\n"), {"line 1", "'label'", "x, y"});
  expect_mentions(refusal("label\na\n"), {"line 1", "no feature column"});
  expect_mentions(refusal("x,label\n1,a\n\n1\n"), {"t.csv, line 4", "1 fields", "2"});
  expect_mentions(refusal("x,label\n1,\"a\nb\"\nzwei,c\n"), {"line 4", "'zwei'", "'x'", "no finite number"});
  expect_mentions(refusal("x,label\n,a\n"), {"line 2", "no finite number"});
  expect_mentions(refusal("x,label\nnan,a\n"), {"line 2", "no finite number"});
  expect_mentions(refusal("x,label\n1e99,a\n"), {"line 2", "no finite number"});
  expect_mentions(refusal("x,label\n1,\"a\n"), {"line 2", "never closed"});
  expect_mentions(refusal("x,label\n1,\"a\"b\n"), {"line 2", "closing quote"});
}

TEST(Csv, FileMayBeGzipAndHashIsOverItsText) {
  TemporaryFolder folder;
  std::string const text = "x,label\n1,a\n";
  auto const data = read_csv(folder.put("t.csv.gz", gzipped(text)));
  EXPECT_EQ(data.sha256, sha256_hex(bytes_of(text)));
  EXPECT_EQ(data.count(), 1);
}

}  // namespace
}  // namespace mneme
