// Labelled texts: rows of a label and a text from comma- or tab-separated tables, JSON, or lines that begin with the
// label. What a net is given of them is made in io/tokens.hpp.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace mneme {

struct LabelledTexts {
  std::vector<std::string> labels, texts;  // [N] each
  std::string sha256;                      // of the decompressed file
};

/// Where label and text stand in a row. Names are looked up in the table's header or among an object's keys; numbers,
/// from 0, say that the table has no header. Several texts are joined by a blank.
struct TextColumns {
  std::vector<std::string> text = {"text"};
  std::string label = "label";
  bool unlabelled = false;  // a table or object may lack the label; its labels are empty then
};

/// Comma-separated with RFC 4180 quoting. DataError (file and line) on a missing column or a quote that never closes.
LabelledTexts parse_text_csv(std::string_view text, std::string const& name, TextColumns const& columns = {});

/// Tab-separated: a row is a line, a quote is a character like any other. DataError as above.
LabelledTexts parse_tsv(std::string_view text, std::string const& name, TextColumns const& columns = {});

/// One object a line, or one list of objects. A label may be a text or an integer. DataError (file and line, or the
/// number of the element in a list) on what is no JSON, no object or lacks a key.
LabelledTexts parse_json_texts(std::string_view text, std::string const& name, TextColumns const& columns = {});

/// "label text to the end of the line". DataError (file and line) on a line without a text.
LabelledTexts parse_label_lines(std::string_view text, std::string const& name);

/// Every line that is not blank is a text; the labels are empty.
LabelledTexts parse_plain_lines(std::string_view text, std::string const& name);

/// The file may be gzip; `format` is csv, tsv, json, lines or plain.
LabelledTexts read_texts(std::filesystem::path const& path, std::string const& format, TextColumns const& columns);

}  // namespace mneme
