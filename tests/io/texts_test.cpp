// Readers of labelled texts: if these fail, a text has the label of another, or a damaged file is read as a whole one.
#include "mneme/io/texts.hpp"

#include "mneme/core/errors.hpp"
#include "mneme/io/sha256.hpp"
#include "tests/io/make_files.hpp"
#include "tests/io/support.hpp"

namespace mneme {
namespace {

using namespace test;
using Words = std::vector<std::string>;

template <class Parse>
std::string refusal(Parse const& parse) {
  return message_of<DataError>([&] { parse(); });
}

TEST(Texts, TsvTakesQuotesAsTheyAre) {
  auto const rows = parse_tsv("label\ttext\nham\tsay \"hi\r\n\nspam\t\"win\n", "t.tsv");
  EXPECT_EQ(rows.labels, (Words{"ham", "spam"}));
  EXPECT_EQ(rows.texts, (Words{"say \"hi", "\"win"}));
}

TEST(Texts, ColumnsByNumberMeanThatThereIsNoHeader) {
  TextColumns const columns{.text = {"2", "1"}, .label = "0"};
  auto const csv = parse_text_csv("3,\"a, b\",c\n4,d,\"e\nf\"\n", "t.csv", columns);
  EXPECT_EQ(csv.labels, (Words{"3", "4"}));
  EXPECT_EQ(csv.texts, (Words{"c a, b", "e\nf d"})) << "columns are joined in the order asked for";
  EXPECT_EQ(parse_tsv("ham\tx\n", "t", {.text = {"1"}, .label = "0"}).texts, (Words{"x"}));
}

TEST(Texts, JsonIsOneObjectALineOrAList) {
  std::string const lines =
      "{\"text\": \"a\", \"label\": 3}\n\n{\"label\": \"x\", \"text\": \"b\\nc\", \"more\": []}\n";
  auto const rows = parse_json_texts(lines, "t.json");
  EXPECT_EQ(rows.labels, (Words{"3", "x"}));
  EXPECT_EQ(rows.texts, (Words{"a", "b\nc"}));
  auto const list = parse_json_texts(" [{\"sentence\": \"a\", \"label\": \"x\"}]", "t.json", {.text = {"sentence"}});
  EXPECT_EQ(list.texts, (Words{"a"}));
}

TEST(Texts, LinesBeginWithTheLabel) {
  auto const rows = parse_label_lines("1 a b\r\n0 c", "t");
  EXPECT_EQ(rows.labels, (Words{"1", "0"}));
  EXPECT_EQ(rows.texts, (Words{"a b", "c"}));
}

TEST(Texts, FaultsAreNamedWithFileAndLine) {
  expect_mentions(refusal([] { parse_tsv("", "t.tsv"); }), {"t.tsv", "no rows"});
  expect_mentions(refusal([] { parse_tsv("label\ttext\n", "t.tsv"); }), {"t.tsv", "no rows"});
  expect_mentions(refusal([] { parse_tsv("a\tb\nc\td\n", "t.tsv"); }), {"t.tsv, line 1", "'label'", "a, b", "number"});
  expect_mentions(refusal([] { parse_tsv("label\ttext\nx\ty\n\nz\n", "t.tsv"); }), {"t.tsv, line 4", "column 1"});
  expect_mentions(refusal([] { parse_text_csv("label,text\nx,\"y\n", "t.csv"); }), {"t.csv, line 2", "never closed"});
  expect_mentions(refusal([] { parse_json_texts("{\"label\": 1, \"text\": \"a\"}\n{\n", "t.json"); }),
                  {"t.json, line 2", "no JSON"});
  expect_mentions(refusal([] { parse_json_texts("[{\"label\": 1,\n\"text\": \"a\"},\n?]", "t.json"); }),
                  {"t.json, line 3", "no JSON"});
  expect_mentions(refusal([] { parse_json_texts("[{\"label\": 1}]", "t.json"); }), {"element 0", "'text'"});
  expect_mentions(refusal([] { parse_json_texts("{\"label\": 1.5, \"text\": \"a\"}", "t.json"); }),
                  {"line 1", "'label'", "integer"});
  expect_mentions(refusal([] { parse_json_texts("{\"label\": 1, \"text\": 2}", "t.json"); }), {"'text'", "no text"});
  expect_mentions(refusal([] { parse_json_texts("3", "t.json"); }), {"line 1", "no JSON object"});
  expect_mentions(refusal([] { parse_label_lines("1 a\nb\n", "t"); }), {"t, line 2", "label"});
}

TEST(Texts, FileMayBeGzipAndHashIsOverItsText) {
  TemporaryFolder folder;
  std::string const text = "1 a\n";
  auto const rows = read_texts(folder.put("t.gz", gzipped(text)), "lines", {});
  EXPECT_EQ(rows.sha256, sha256_hex(bytes_of(text)));
  EXPECT_THROW(read_texts(folder.put("t", text), "word", {}), ConfigError);
}

}  // namespace
}  // namespace mneme
