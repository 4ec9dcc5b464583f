#include "mneme/io/tokens.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "mneme/core/errors.hpp"
#include "mneme/core/seed.hpp"

namespace mneme {
namespace {

constexpr std::uint8_t kBeyondAscii = 0x80;

bool in_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         static_cast<std::uint8_t>(c) >= kBeyondAscii;
}

char small(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

void check_vocabulary(std::int64_t vocabulary) {
  if (vocabulary < 2)
    throw ConfigError("vocabulary: " + std::to_string(vocabulary) + "; it takes at least 2, as 0 is no word");
}

LabelledData labelled(LabelledTexts const& texts, std::int64_t columns) {
  LabelledData data;
  data.shape = {static_cast<std::int64_t>(texts.texts.size()), columns};
  data.sha256 = texts.sha256;
  number_labels(texts.labels, data);
  return data;
}

}  // namespace

std::vector<std::int64_t> token_ids(std::string_view text, std::int64_t vocabulary) {
  check_vocabulary(vocabulary);
  std::vector<std::int64_t> ids;
  std::string word;
  auto const finish = [&] {
    if (word.empty()) return;
    ids.push_back(1 + static_cast<std::int64_t>(fnv1a(word) % static_cast<std::uint64_t>(vocabulary - 1)));
    word.clear();
  };
  for (char const c : text) {
    if (in_word(c))
      word += small(c);
    else
      finish();
  }
  finish();
  return ids;
}

LabelledData as_token_ids(LabelledTexts const& texts, std::int64_t vocabulary, std::int64_t length) {
  auto data = labelled(texts, length);
  data.tokens.reserve(texts.texts.size() * static_cast<std::size_t>(length));
  for (auto const& text : texts.texts) {
    auto ids = token_ids(text, vocabulary);
    ids.resize(static_cast<std::size_t>(length), 0);
    data.tokens.insert(data.tokens.end(), ids.begin(), ids.end());
  }
  return data;
}

LabelledData as_bags_of_words(LabelledTexts const& texts, std::int64_t vocabulary) {
  auto data = labelled(texts, vocabulary);
  auto const width = static_cast<std::size_t>(vocabulary);
  data.features.assign(texts.texts.size() * width, 0.0F);
  for (std::size_t row = 0; row < texts.texts.size(); ++row) {
    auto* const counts = data.features.data() + row * width;
    for (auto const id : token_ids(texts.texts[row], vocabulary)) ++counts[id];
    double squares = 0;
    for (std::size_t i = 0; i < width; ++i) squares += static_cast<double>(counts[i]) * counts[i];
    if (squares == 0) continue;  // a text without words
    auto const norm = static_cast<float>(std::sqrt(squares));
    for (std::size_t i = 0; i < width; ++i) counts[i] /= norm;
  }
  return data;
}

}  // namespace mneme
