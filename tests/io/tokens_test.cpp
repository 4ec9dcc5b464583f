// Words as numbers: if these fail, the same word is another number in another data set, and nothing can be learnt.
#include "mneme/io/tokens.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "mneme/core/errors.hpp"

namespace mneme {
namespace {

using Ids = std::vector<std::int64_t>;

TEST(Tokens, IdsOfWordsNeverChange) {
  // FNV-1a of "a" and of "foobar" stand in the authors' test suite: af63dc4c8601ec8c, 85944171f73967e8.
  EXPECT_EQ(token_ids("a foobar", 1001), (Ids{1 + 0xaf63dc4c8601ec8cU % 1000, 1 + 0x85944171f73967e8U % 1000}));
}

TEST(Tokens, CaseAndPunctuationAreNoPartOfAWord) {
  auto const ids = token_ids("The cat, the CAT; \xC3\xA9t\xC3\xA9 2nd", 1 << 20);
  ASSERT_EQ(ids.size(), 6U);
  EXPECT_EQ(ids[0], ids[2]);
  EXPECT_EQ(ids[1], ids[3]);
  EXPECT_EQ(ids[4], token_ids("\xC3\xA9t\xC3\xA9", 1 << 20).at(0)) << "letters beyond ASCII hold a word together";
  EXPECT_TRUE(token_ids(" .,-\n", 10).empty());
}

TEST(Tokens, EveryIdIsWithinTheVocabularyAndNeverThePadding) {
  for (std::int64_t const vocabulary : {2, 3, 10})
    for (auto const id : token_ids("a b c d e f g h i j k l m n o p", vocabulary)) {
      EXPECT_GE(id, 1);
      EXPECT_LT(id, vocabulary);
    }
  EXPECT_THROW(static_cast<void>(token_ids("a", 1)), ConfigError);
}

LabelledTexts three_texts() { return {{"b", "a", "b"}, {"x y x", "", "x y z w"}, "hash"}; }

TEST(Tokens, IdsAreCutOrFilledWithZero) {
  auto const data = as_token_ids(three_texts(), 1000, 3);
  auto const x = token_ids("x", 1000)[0], y = token_ids("y", 1000)[0], z = token_ids("z", 1000)[0];
  EXPECT_EQ(data.shape, (Ids{3, 3}));
  EXPECT_EQ(data.tokens, (Ids{x, y, x, 0, 0, 0, x, y, z}));
  EXPECT_EQ(data.class_names, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(data.labels, (Ids{1, 0, 1}));
  EXPECT_EQ(data.sha256, "hash");
}

TEST(Tokens, BagsCountWordsAndHaveLengthOne) {
  auto const data = as_bags_of_words(three_texts(), 1000);
  auto const x = static_cast<std::size_t>(token_ids("x", 1000)[0]),
             y = static_cast<std::size_t>(token_ids("y", 1000)[0]);
  EXPECT_EQ(data.shape, (Ids{3, 1000}));
  EXPECT_FLOAT_EQ(data.features[x], 2 / std::sqrt(5.0F));
  EXPECT_FLOAT_EQ(data.features[y], 1 / std::sqrt(5.0F));
  EXPECT_FLOAT_EQ(data.features[2000 + x], 0.5F);
  for (std::size_t i = 0; i < 1000; ++i) EXPECT_EQ(data.features[1000 + i], 0) << "a text without words";
}

}  // namespace
}  // namespace mneme
