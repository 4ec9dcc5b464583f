// Texts as numbers, without a vocabulary file: words are hashed into buckets (Weinberger et al. 2009, Feature hashing
// for large scale multitask learning, arXiv:0902.2206). The same word has the same number in every data set, on every
// machine and in every version.
//
// A word is a run of ASCII letters and digits and of bytes from 0x80 on (all letters beyond ASCII); capital ASCII
// letters are made small, everything else separates. Its id is 1 + FNV-1a(word) mod (vocabulary - 1); 0 is no word.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "mneme/io/labelled.hpp"
#include "mneme/io/texts.hpp"

namespace mneme {

/// Ids of the words of `text` in order, each from 1 to vocabulary - 1 (vocabulary: 2 or more).
[[nodiscard]] std::vector<std::int64_t> token_ids(std::string_view text, std::int64_t vocabulary);

/// Token ids [N, length]: the first words of each text, then zeros.
[[nodiscard]] LabelledData as_token_ids(LabelledTexts const& texts, std::int64_t vocabulary, std::int64_t length);

/// Bags of words [N, vocabulary]: how often each id occurs, divided by the row's Euclidean norm; column 0 stays empty.
[[nodiscard]] LabelledData as_bags_of_words(LabelledTexts const& texts, std::int64_t vocabulary);

}  // namespace mneme
