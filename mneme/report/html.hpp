// Small pieces of HTML: escaping, numbers as text, data: links. Every string that stands in a run folder passes through
// `escape` (or `script_json`) on its way into a page.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mneme/core/json.hpp"

namespace mneme::html {

/// For text and for attribute values in double quotes: & < > " ' become entities, control bytes are dropped.
std::string escape(std::string_view text);

/// JSON that may stand inside a <script> element: no '<' remains. Invalid UTF-8 is replaced, never thrown at.
std::string script_json(Json const& json);

std::string base64(std::string_view bytes);

/// "sha256-…" as Content-Security-Policy wants it.
std::string csp_hash(std::string_view inline_text);

/// "data:<type>;base64,…"
std::string data_uri(std::string_view type, std::string_view bytes);

/// Decimal text independent of the locale; "not finite" values are written nan, inf, -inf.
std::string fixed(double value, int decimals);

/// 12345678 -> "12 345 678" with narrow no-break spaces.
std::string grouped(std::int64_t value);

/// A table whose cells are HTML already; the first column is the row's header.
struct Table {
  std::vector<std::string> head;
  std::vector<std::vector<std::string>> rows;
  std::string caption;  // HTML; empty for none
  /// `kind` is a further CSS class. The table scrolls inside its own container where it is wide.
  [[nodiscard]] std::string text(std::string_view kind = "") const;
};

/// A link that saves `csv` as `file`, no network needed.
std::string csv_link(std::string_view csv, std::string_view file);

}  // namespace mneme::html
