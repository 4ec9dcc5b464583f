// TOML: if these fail, a resolved configuration does not run again as it was, or a typo in a file ends the process
// instead of being pointed at.
#include "mneme/core/toml.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <limits>
#include <random>
#include <stdexcept>

#include "message_of.hpp"
#include "mneme/core/errors.hpp"

namespace mneme {
namespace {

std::string refusal(std::string const& text) {
  return message_of<ConfigError>([&] { parse_toml(text, "f.toml"); });
}

// Equal but for the order of keys.
bool same(Json const& a, Json const& b) { return nlohmann::json(a) == nlohmann::json(b); }

TEST(Toml, KeepsTypesAndTheOrderOfTheText) {
  Json const json =
      parse_toml("z = 1\na = 1.0\n[t]\ny = [true, 'x']\nb.c = { d = -2 }\n[[l]]\nn = 1\n[[l]]\nn = 2\n", "f");
  EXPECT_EQ(json.dump(), R"({"z":1,"a":1.0,"t":{"y":[true,"x"],"b":{"c":{"d":-2}}},"l":[{"n":1},{"n":2}]})");
  EXPECT_TRUE(json["z"].is_number_integer());
  EXPECT_TRUE(json["a"].is_number_float());
}

TEST(Toml, WritesSettingsBeforeTablesAndReadsBack) {
  Json const json = {{"t", {{"x", 1}, {"e", Json::object()}}},
                     {"arms", {{{"n", "a"}}, {{"n", "b"}, {"k", {{"q", 0.1}}}}}},
                     {"s", "a \"b\" \\ \n \t \x01 \x7F é"},
                     {"odd key.", true},
                     {"list", {1, {{"a", 2}}, Json::array()}}};
  std::string const text = to_toml(json);
  EXPECT_EQ(text,
            "s = \"a \\\"b\\\" \\\\ \\n \\t \\u0001 \\u007F é\"\n"
            "\"odd key.\" = true\n"
            "list = [1, { a = 2 }, []]\n"
            "\n[t]\nx = 1\n"
            "\n[t.e]\n"
            "\n[[arms]]\nn = \"a\"\n"
            "\n[[arms]]\nn = \"b\"\n"
            "\n[arms.k]\nq = 0.1\n");
  EXPECT_TRUE(same(parse_toml(text, "f"), json));
  EXPECT_EQ(to_toml(parse_toml(text, "f")), text);
}

TEST(Toml, ATableOfTablesNeedsNoHeaderOfItsOwn) {
  Json const json = {{"strategy", {{"ewc", {{"lambda", 1}}}, {"si", {{"c", 2}}}}}};
  EXPECT_EQ(to_toml(json), "[strategy.ewc]\nlambda = 1\n\n[strategy.si]\nc = 2\n");
  EXPECT_EQ(parse_toml(to_toml(json), "f"), json);
}

TEST(Toml, FloatsReadBackBitForBit) {
  std::mt19937_64 random(1);
  std::vector<double> values = {0.1,
                                -0.0,
                                1e300,
                                5e-324,
                                1e20,
                                1.0,
                                123456789012345680.0,
                                std::numeric_limits<double>::max(),
                                std::numeric_limits<double>::infinity()};
  for (int i = 0; i < 2000; ++i)
    if (double const v = std::bit_cast<double>(random()); std::isfinite(v)) values.push_back(v);
  Json const back = parse_toml(to_toml({{"v", values}}), "f")["v"];
  ASSERT_EQ(back.size(), values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    ASSERT_TRUE(back[i].is_number_float()) << values[i];
    EXPECT_EQ(std::bit_cast<std::uint64_t>(back[i].get<double>()), std::bit_cast<std::uint64_t>(values[i]))
        << values[i];
  }
  EXPECT_TRUE(std::isnan(parse_toml(to_toml({{"v", std::nan("")}}), "f")["v"].get<double>()));
}

TEST(Toml, IntegersKeepAllSixtyThreeBits) {
  auto const least = std::numeric_limits<std::int64_t>::min(), most = std::numeric_limits<std::int64_t>::max();
  Json const json = {{"a", least}, {"b", most}, {"c", std::uint64_t{7}}};
  EXPECT_EQ(parse_toml(to_toml(json), "f"), json);
  EXPECT_THROW(to_toml({{"a", std::uint64_t{1} << 63}}), ConfigError);
  EXPECT_THROW(parse_toml("a = 9223372036854775808", "f"), ConfigError);
}

TEST(Toml, WhatTomlDoesNotHaveIsRefused) {
  EXPECT_EQ(message_of<ConfigError>([] { to_toml({{"a", {{"b", nullptr}}}}); }), "a.b: null has no form in TOML");
  EXPECT_THROW(to_toml(Json::array()), std::invalid_argument);
}

TEST(Toml, MistakesAreNamedByLineAndColumn) {
  EXPECT_TRUE(refusal("a = 1\nb = \n").starts_with("f.toml:2:")) << refusal("a = 1\nb = \n");
  EXPECT_TRUE(refusal("a = 1\na = 2\n").starts_with("f.toml:2:1: ") ||
              refusal("a = 1\na = 2\n").starts_with("f.toml:2:"));
  EXPECT_EQ(refusal("x = 1\nd = 2020-01-01\n"),
            "f.toml:2:5: dates and times are no settings here; write a string in quotes");
  EXPECT_EQ(refusal("s = \"abc\n"), "f.toml:1:5: the string that begins here does not end on its line");
  EXPECT_EQ(refusal("\ns = '''abc\n"), "f.toml:2:5: the string that begins here has no end");
  EXPECT_EQ(refusal(std::string("a = 1\0", 6)), "f.toml:1:6: a control character (byte 0) stands in the text");
  EXPECT_EQ(refusal("s = 'a\rb'"), "f.toml:1:7: a control character (byte 13) stands in the text");
}

// Debug builds of the parser abort on the first two, and it has undefined behaviour on the third.
TEST(Toml, InputsThatTheParserCannotBearAreErrors) {
  EXPECT_TRUE(refusal("[,(").starts_with("f.toml:1:"));
  EXPECT_TRUE(refusal("[~").starts_with("f.toml:1:"));
  EXPECT_TRUE(refusal("\xEF\xBB\xBB").starts_with("f.toml:1:1: a character outside of ASCII"));
  EXPECT_TRUE(refusal("a = 1 # x\nä = 1").starts_with("f.toml:2:1: a character outside of ASCII"));
  EXPECT_TRUE(refusal("b = 77777777777\"\u00E9\" # \xEF\xBB\xBF").starts_with("f.toml:1:"));
  EXPECT_TRUE(refusal("a = '''x'''ä").starts_with("f.toml:1:12: a character outside of ASCII"));
}

TEST(Toml, Utf8IsAllowedWherePeopleWriteText) {
  EXPECT_EQ(parse_toml("\xEF\xBB\xBF# größe\r\ns = \"é\\\"ü\"\r\nt = '𝛌'\n'κ' = \"\"\"ü\"\"\"\"\n", "f").dump(),
            R"({"s":"é\"ü","t":"𝛌","κ":"ü\""})");
}

// Strings with such characters are rewritten before parsing; nothing of that may show.
TEST(Toml, RewrittenStringsKeepTheirMeaningAndTheirPlace) {
  EXPECT_EQ(parse_toml("a = 'é\\n\"'\nb = \"é\\n\\\"\"\n", "f").dump(), R"({"a":"é\\n\"","b":"é\n\""})");
  EXPECT_EQ(parse_toml("a = '''\né\\\n'q''''\n", "f")["a"], "é\\\n'q'");
  EXPECT_EQ(parse_toml("a = \"\"\"\né\\\n  q\"\"\"\n", "f")["a"], "éq");
  EXPECT_EQ(parse_toml("'ключ' = 1\n[\"κ\".'é\\']\nx = 1", "f").dump(), R"({"ключ":1,"κ":{"é\\":{"x":1}}})");
  std::string const broken = "x = 1 # ü\na = { k = 'éé', l = ? }";
  EXPECT_TRUE(refusal(broken).starts_with("f.toml:2:21: ")) << refusal(broken);
}

TEST(Toml, BytesThatAreNoUtf8AreRefusedEverywhere) {
  for (auto const* const bad : {"\xFF", "\xC0\x80", "\xE2\x82", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\x80"})
    EXPECT_NE(refusal("s = '" + std::string(bad) + "'").find("no UTF-8"), std::string::npos);
}

TEST(Toml, NestingAndSizeAreBounded) {
  EXPECT_NO_THROW(parse_toml("a = " + std::string(30, '[') + std::string(30, ']'), "f"));
  EXPECT_NE(refusal("a = " + std::string(100000, '[')).find("nested more than"), std::string::npos);
  std::string dots = "a";
  for (int i = 0; i < 100000; ++i) dots += ".a";
  EXPECT_NE(refusal(dots + " = 1").find("dots"), std::string::npos);
  EXPECT_NE(refusal("[" + dots + "]").find("dots"), std::string::npos);
  EXPECT_NO_THROW(
      parse_toml("a = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, "
                 "1.8, 1.9, 2.0]",
                 "f"));
  EXPECT_NE(refusal(std::string((1 << 20) + 1, '\n')).find("bytes are more"), std::string::npos);
}

TEST(Toml, FilesAreNamedInErrors) {
  std::string const path = testing::TempDir() + "mneme_toml_test.toml";
  std::ofstream(path) << "a = 1\nb = 'x'\n";
  EXPECT_EQ(read_toml(path), (Json{{"a", 1}, {"b", "x"}}));
  std::ofstream(path) << "a = ?\n";
  EXPECT_TRUE(message_of<ConfigError>([&] { read_toml(path); }).starts_with(path + ":1:"));
  EXPECT_NE(message_of<ConfigError>([&] { read_toml(path + "x"); }).find("no such file"), std::string::npos);
  EXPECT_NE(message_of<ConfigError>([&] { read_toml(testing::TempDir()); }).find("not a readable file"),
            std::string::npos);
}

}  // namespace
}  // namespace mneme
