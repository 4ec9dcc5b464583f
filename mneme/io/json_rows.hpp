// JSON rows: one object a line, or one list of objects. Texts of them are read in io/texts.hpp, numbers here.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "mneme/core/json.hpp"
#include "mneme/io/labelled.hpp"

namespace mneme {

/// Every line that is not blank, without its end, and its number from 1. A byte order mark is passed over.
void each_line(std::string_view text, std::function<void(std::string_view line, std::int64_t number)> const& use);

/// Every object and where it stands, "line 3" or "element 2, counted from 0". DataError on what is no JSON or no
/// object.
void each_json_object(std::string_view text, std::string const& name,
                      std::function<void(Json const& object, std::string const& where)> const& use);

/// The value under a key that stands for a word: a text or, where it may be one, an integer. DataError otherwise.
std::string json_word(Json const& object, std::string const& key, bool may_be_number, std::string const& name,
                      std::string const& where);

struct JsonTableOptions {
  std::vector<std::string> numbers;  // keys of the features in their order: a number each, or a list of numbers
  std::string label = "label";       // key of the label, a text or an integer
  bool unlabelled = false;           // a row may lack the label; all labels are 0 then
};

/// A table of numbers [N, D]; classes as parse_csv numbers them. DataError (file and row) on a missing key, a value
/// that is no finite number, rows of different lengths, or no rows. ConfigError when `numbers` is empty.
LabelledData parse_json_table(std::string_view text, std::string const& name, JsonTableOptions const& options);

}  // namespace mneme
