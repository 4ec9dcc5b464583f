#include "mneme/core/toml_guard.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "mneme/core/errors.hpp"

namespace mneme {
namespace {

constexpr int kDeepestBrackets = 32;
constexpr int kMostDots = 16;  // in one key

unsigned byte(char c) { return static_cast<unsigned char>(c); }
bool is_ascii(char c) { return byte(c) < 0x80; }

// Bytes of the UTF-8 character that `text` begins with, or 0 when it is none.
std::size_t utf8_length(std::string_view text) {
  unsigned const first = byte(text[0]);
  std::size_t const length = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (length == 0 || first > 0xF4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(text[i]) & 0xC0) != 0x80) return 0;
  unsigned const second = length > 1 ? byte(text[1]) : 0;
  bool const overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  bool const surrogate = first == 0xED && second > 0x9F;
  bool const beyond = first == 0xF4 && second > 0x8F;
  return overlong || surrogate || beyond ? 0 : length;
}

// A character of several bytes as TOML writes it in ASCII.
std::string escaped(std::string_view character) {
  unsigned code = byte(character[0]) & (0x7Fu >> character.size());
  for (char const c : character.substr(1)) code = code << 6 | (byte(c) & 0x3F);
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "\\U%08X", code);
  return text.data();
}

struct Position {
  std::size_t at = 0;
  int line = 1;
  int column = 1;

  void pass(std::string_view character) {
    at += character.size();
    ++column;
    if (character == "\n") {
      ++line;
      column = 1;
    }
  }
};

class Guard {
 public:
  Guard(std::string_view text, std::string const& name) : text_(text), name_(name) {}

  GuardedToml run() {
    while (!at_end()) {
      char const c = text_[here_.at];
      if (c == '#') {
        while (!at_end() && text_[here_.at] != '\n') copy();
      } else if (c == '"' || c == '\'') {
        copy_string(c);
      } else {
        if (!is_ascii(c))
          fail(here_, "a character outside of ASCII stands outside of strings and comments; put it into quotes");
        count_nesting(c);
        copy();
      }
    }
    return std::move(out_);
  }

 private:
  [[noreturn]] void fail(Position const& where, std::string const& problem) const {
    throw ConfigError(name_ + ":" + std::to_string(where.line) + ":" + std::to_string(where.column) + ": " + problem);
  }

  bool at_end() const { return here_.at == text_.size(); }
  bool follows(std::string_view what) const { return text_.substr(here_.at).starts_with(what); }

  std::string_view character(Position const& where) const {
    std::string_view const rest = text_.substr(where.at);
    return rest.substr(0, utf8_length(rest));
  }

  void emit(std::string_view bytes, Position const& origin) {
    out_.text += bytes;
    out_.columns.insert(out_.columns.end(), bytes.size(), origin.column);
  }

  // Past one character, which must be one that TOML allows somewhere.
  std::string_view advance() {
    std::string_view const c = character(here_);
    if (c.empty()) fail(here_, "the bytes here are no UTF-8");
    bool const line_break = c == "\n" || follows("\r\n");
    if (c.size() == 1 && (byte(c[0]) < 0x20 || c[0] == 0x7F) && c != "\t" && !line_break)
      fail(here_, "a control character (byte " + std::to_string(byte(c[0])) + ") stands in the text");
    here_.pass(c);
    return c;
  }

  void advance(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) advance();
  }

  void copy() {
    Position const origin = here_;
    std::string_view const c = advance();
    emit(c.size() == 1 ? c : "?", origin);
  }

  void copy_string(char quote) {
    Position const begin = here_;
    std::size_t const delimiter = follows(std::string(3, quote)) ? 3 : 1;
    skip_string(quote, delimiter);
    std::string_view const whole = text_.substr(begin.at, here_.at - begin.at);
    bool const rewrite = !std::all_of(whole.begin(), whole.end(), is_ascii);
    for (Position p = begin; p.at < here_.at; p.pass(character(p))) {
      std::string_view const c = character(p);
      bool const inside = p.at >= begin.at + delimiter && p.at < here_.at - delimiter;
      if (!rewrite) {
        emit(c, p);
      } else if (!inside) {
        emit("\"", p);
      } else if (c.size() > 1) {
        emit(escaped(c), p);
      } else {
        if (quote == '\'' && (c == "\\" || c == "\"")) emit("\\", p);
        emit(c, p);
      }
    }
  }

  void skip_string(char quote, std::size_t delimiter) {
    Position const begin = here_;
    std::string const end(delimiter, quote);
    bool const many_lines = delimiter == 3;
    advance(delimiter);
    while (!follows(end)) {
      if (at_end()) fail(begin, "the string that begins here has no end");
      if (follows("\n") && !many_lines) fail(begin, "the string that begins here does not end on its line");
      bool const escape = quote == '"' && follows("\\");
      advance();
      // An escaped line break stays to the loop, which knows whether it is allowed.
      if (escape && !at_end() && !follows("\n") && !follows("\r")) advance();
    }
    advance(delimiter);
    for (int extra = 0; many_lines && extra < 2 && follows({&quote, 1}); ++extra) advance();
  }

  // Brackets that are open, and dots in one key.
  void count_nesting(char c) {
    if (c == '[' || c == '{') ++brackets_;
    if (c == ']' || c == '}') --brackets_;
    if (c == '.') ++dots_;
    if (c == '[' || c == '{' || c == ',' || c == '=' || c == '\n') dots_ = 0;
    if (brackets_ > kDeepestBrackets)
      fail(here_, "brackets are nested more than " + std::to_string(kDeepestBrackets) + " deep");
    if (dots_ > kMostDots) fail(here_, "a key has more than " + std::to_string(kMostDots) + " dots");
  }

  std::string_view text_;
  std::string const& name_;
  GuardedToml out_;
  Position here_;
  int brackets_ = 0;
  int dots_ = 0;
};

}  // namespace

std::size_t GuardedToml::original_column(std::size_t line, std::size_t column) const {
  std::size_t begin = 0;
  for (; line > 1 && begin < text.size(); --line) begin = std::min(text.find('\n', begin), text.size() - 1) + 1;
  std::size_t const at = begin + column - 1;
  return at < columns.size() ? static_cast<std::size_t>(columns[at]) : column;
}

GuardedToml guard_toml(std::string_view text, std::string const& name) {
  if (text.size() > kLongestToml)
    throw ConfigError(name + ": " + std::to_string(text.size()) + " bytes are more than a configuration may have (" +
                      std::to_string(kLongestToml) + ")");
  return Guard(text, name).run();
}

}  // namespace mneme
