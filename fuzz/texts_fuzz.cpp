// Labelled texts: any bytes give as many labels as texts, and ids within the vocabulary, or DataError.
#include <functional>

#include "mneme/core/errors.hpp"
#include "mneme/io/bytes.hpp"
#include "mneme/io/texts.hpp"
#include "mneme/io/tokens.hpp"

namespace {

constexpr std::int64_t kVocabulary = 16, kLength = 4;

void check(std::function<mneme::LabelledTexts()> const& parse) {
  try {
    auto const rows = parse();
    if (rows.labels.empty() || rows.labels.size() != rows.texts.size()) __builtin_trap();
    auto const data = mneme::as_token_ids(rows, kVocabulary, kLength);
    if (data.tokens.size() != rows.texts.size() * kLength) __builtin_trap();
    for (auto const id : data.tokens)
      if (id < 0 || id >= kVocabulary) __builtin_trap();
    for (auto const label : data.labels)
      if (label < 0 || label >= static_cast<std::int64_t>(data.class_names.size())) __builtin_trap();
    if (mneme::as_bags_of_words(rows, kVocabulary).features.size() != rows.texts.size() * kVocabulary) __builtin_trap();
  } catch (mneme::DataError const&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  auto const text = mneme::as_text({data, size});
  for (mneme::TextColumns const& columns :
       {mneme::TextColumns{}, mneme::TextColumns{.text = {"1", "2"}, .label = "0"}}) {
    check([&] { return mneme::parse_text_csv(text, "fuzz", columns); });
    check([&] { return mneme::parse_tsv(text, "fuzz", columns); });
    check([&] { return mneme::parse_json_texts(text, "fuzz", columns); });
  }
  check([&] { return mneme::parse_label_lines(text, "fuzz"); });
  return 0;
}
