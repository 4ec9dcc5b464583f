#include "mneme/io/json_rows.hpp"

#include <algorithm>
#include <cmath>

#include "mneme/core/errors.hpp"
#include "mneme/io/bytes.hpp"
#include "mneme/io/sha256.hpp"

namespace mneme {
namespace {

[[noreturn]] void fail(std::string const& name, std::string const& where, std::string const& problem) {
  throw DataError(name + ", " + where + ": " + problem);
}

/// `first_line` is the number of the text's first line in its file.
Json parsed(std::string_view text, std::string const& name, std::int64_t first_line) {
  try {
    return Json::parse(text.begin(), text.end());
  } catch (Json::parse_error const& e) {
    auto const before = text.substr(0, std::min(e.byte > 0 ? e.byte - 1 : 0, text.size()));
    auto const line = first_line + std::count(before.begin(), before.end(), '\n');
    fail(name, "line " + std::to_string(line),
         "is no JSON (at byte " + std::to_string(e.byte) + " of what is read there)");
  } catch (Json::out_of_range const&) {
    fail(name, "line " + std::to_string(first_line) + " or after", "has a number too large for any type");
  }
}

void add_number(LabelledData& data, Json const& value, std::string const& key, std::string const& name,
                std::string const& where) {
  auto const number = value.is_number() ? static_cast<float>(value.get<double>()) : NAN;
  if (!std::isfinite(number)) fail(name, where, "'" + key + "' holds " + value.dump() + ", which is no finite number");
  data.features.push_back(number);
}

}  // namespace

void each_line(std::string_view text, std::function<void(std::string_view line, std::int64_t number)> const& use) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  for (std::int64_t number = 1; !text.empty(); ++number) {
    auto const end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find_first_not_of(" \t") != std::string_view::npos) use(line, number);
  }
}

void each_json_object(std::string_view text, std::string const& name,
                      std::function<void(Json const& object, std::string const& where)> const& use) {
  auto const checked = [&](Json const& object, std::string const& where) {
    if (!object.is_object()) fail(name, where, "is no JSON object");
    use(object, where);
  };
  auto const begin = text.find_first_not_of(" \t\r\n");
  if (begin != std::string_view::npos && text[begin] == '[') {
    auto const list = parsed(text, name, 1);
    for (std::size_t i = 0; i < list.size(); ++i) checked(list[i], "element " + std::to_string(i) + ", counted from 0");
  } else {
    each_line(text, [&](std::string_view line, std::int64_t number) {
      checked(parsed(line, name, number), "line " + std::to_string(number));
    });
  }
}

std::string json_word(Json const& object, std::string const& key, bool may_be_number, std::string const& name,
                      std::string const& where) {
  auto const found = object.find(key);
  if (found == object.end()) fail(name, where, "the object has no key '" + key + "'");
  if (found->is_string()) return found->get<std::string>();
  if (may_be_number && found->is_number_integer()) return found->dump();
  fail(name, where, "'" + key + "' is no " + (may_be_number ? "text or integer" : "text"));
}

LabelledData parse_json_table(std::string_view text, std::string const& name, JsonTableOptions const& options) {
  if (options.numbers.empty()) throw ConfigError(name + ": no keys are named that hold numbers");
  LabelledData data;
  std::vector<std::string> labels;
  std::size_t width = 0;
  each_json_object(text, name, [&](Json const& object, std::string const& where) {
    std::size_t const before = data.features.size();
    for (auto const& key : options.numbers) {
      auto const found = object.find(key);
      if (found == object.end()) fail(name, where, "the object has no key '" + key + "'");
      if (!found->is_array()) {
        add_number(data, *found, key, name, where);
      } else {
        for (auto const& value : *found) add_number(data, value, key, name, where);
      }
    }
    std::size_t const found = data.features.size() - before;
    if (labels.empty()) width = found;
    if (found != width || found == 0)
      fail(
          name, where,
          "has " + std::to_string(found) + " numbers" + (found == 0 ? "" : ", the first row " + std::to_string(width)));
    bool const bare = options.unlabelled && !object.contains(options.label);
    labels.push_back(bare ? "" : json_word(object, options.label, true, name, where));
  });
  if (labels.empty()) throw DataError(name + ": has no rows");
  number_labels(labels, data);
  data.shape = {static_cast<std::int64_t>(labels.size()), static_cast<std::int64_t>(width)};
  data.sha256 = sha256_hex(as_bytes(text));
  return data;
}

}  // namespace mneme
