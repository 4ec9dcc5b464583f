#include "mneme/io/json_rows.hpp"

#include "mneme/core/errors.hpp"
#include "mneme/io/csv.hpp"
#include "mneme/io/texts.hpp"
#include "tests/io/support.hpp"

namespace mneme {
namespace {

using namespace test;

TEST(JsonTable, ReadsNumbersAndListsInTheOrderOfTheirKeys) {
  std::string const lines = "{\"y\": \"b\", \"at\": [3, 4.5], \"t\": 1}\n\n{\"t\": 2, \"at\": [5, -6], \"y\": \"a\"}\n";
  auto const data = parse_json_table(lines, "a.json", {.numbers = {"t", "at"}, .label = "y"});
  EXPECT_EQ(data.shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(data.features, (std::vector<float>{1, 3, 4.5, 2, 5, -6}));
  EXPECT_EQ(data.labels, (std::vector<std::int64_t>{1, 0}));
  EXPECT_EQ(data.class_names, (std::vector<std::string>{"a", "b"}));
  auto const list = parse_json_table("[{\"t\": 1, \"label\": 10}, {\"t\": 2, \"label\": 9}]", "a", {.numbers = {"t"}});
  EXPECT_EQ(list.class_names, (std::vector<std::string>{"9", "10"}));
}

TEST(JsonTable, DamageIsNamedWithFileAndRow) {
  auto const refused = [](std::string const& text) {
    return message_of<DataError>([&] { parse_json_table(text, "a.json", {.numbers = {"t"}}); });
  };
  expect_mentions(refused("{\"t\": 1, \"label\": 1}\n{\"label\": 1}"), {"a.json, line 2", "no key 't'"});
  expect_mentions(refused("{\"t\": \"1\", \"label\": 1}"), {"a.json, line 1", "'t'", "no finite number"});
  expect_mentions(refused("{\"t\": 1e39, \"label\": 1}"), {"line 1", "no finite number"});
  expect_mentions(refused("{\"t\": 1e999, \"label\": 1}"), {"line 1", "too large"});
  expect_mentions(refused("{\"t\": [1, [2]], \"label\": 1}"), {"line 1", "[2]"});
  expect_mentions(refused("{\"t\": [1, 2], \"label\": 1}\n{\"t\": 1, \"label\": 1}"), {"line 2", "1 numbers", "row 2"});
  expect_mentions(refused("{\"t\": [], \"label\": 1}"), {"line 1", "0 numbers"});
  expect_mentions(refused("{\"t\": 1}"), {"line 1", "no key 'label'"});
  expect_mentions(refused("{\"t\": 1"), {"line 1", "no JSON"});
  expect_mentions(refused(" \n"), {"a.json", "no rows"});
  EXPECT_THROW(parse_json_table("{}", "a", {}), ConfigError);
}

TEST(JsonTable, RowsWithoutALabelAreReadWhereThatIsAllowed) {
  auto const data = parse_json_table("{\"t\": 1}\n{\"t\": 2}\n", "a", {.numbers = {"t"}, .unlabelled = true});
  EXPECT_EQ(data.features, (std::vector<float>{1, 2}));
  EXPECT_EQ(data.labels, (std::vector<std::int64_t>{0, 0}));
}

// Columns that are no numbers (names, dates) must not keep a table from being read.
TEST(Csv, FeatureColumnsAreChosenInTheirOrder) {
  CsvOptions const options{.label = "y", .delimiter = '\t', .features = {"b", "a"}};
  auto const data = parse_csv("a\tname\tb\ty\n1\tx\t2\tu\n3\tz\t4\tv\n", "a.tsv", options);
  EXPECT_EQ(data.shape, (std::vector<std::int64_t>{2, 2}));
  EXPECT_EQ(data.features, (std::vector<float>{2, 1, 4, 3}));
  expect_mentions(message_of<DataError>([] { parse_csv("a,y\n1,2\n", "a.csv", {.label = "y", .features = {"c"}}); }),
                  {"a.csv", "'c'", "a, y"});
}

// Texts to be classified come without labels, from tables that have the column and from those that do not.
TEST(Texts, LabelsMayBeMissingWhereThatIsAllowed) {
  TextColumns const columns{.text = {"t"}, .label = "y", .unlabelled = true};
  std::vector<std::string> const expected{"a b", "c"};
  EXPECT_EQ(parse_text_csv("t\na b\nc\n", "f", columns).texts, expected);
  EXPECT_EQ(parse_tsv("y\tt\nu\ta b\nv\tc\n", "f", columns).texts, expected);
  EXPECT_EQ(parse_json_texts("{\"t\": \"a b\"}\n{\"t\": \"c\", \"y\": 1}\n", "f", columns).texts, expected);
  EXPECT_EQ(parse_plain_lines("a b\n\nc\n", "f").texts, expected);
  TextColumns const numbered{.text = {"0"}, .label = "1", .unlabelled = true};
  EXPECT_EQ(parse_tsv("a b\nc\tx\n", "f", numbered).texts, expected);
  EXPECT_THROW(parse_text_csv("t\na b\n", "f", {.text = {"t"}, .label = "y"}), DataError);
}

}  // namespace
}  // namespace mneme
