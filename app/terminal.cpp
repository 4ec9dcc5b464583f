#include "terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "mneme/core/errors.hpp"

namespace mneme::app {
namespace {

Talk g_talk = Talk::kNormal;
bool g_line_open = false;

bool coloured(int descriptor) {
  char const* off = std::getenv("NO_COLOR");
  return ::isatty(descriptor) != 0 && (off == nullptr || *off == '\0');
}

std::size_t terminal_columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 10 ? size.ws_col : 80;
}

void write_line(std::string_view line) {
  end_progress();
  std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
}

[[noreturn]] void refuse_output() {
  throw IoError(std::string("standard output cannot be written: ") + std::strerror(errno));
}

/// Bytes that begin a character outside an escape code.
template <class Visit>
void each_column(std::string_view text, Visit visit) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b') {
      i = std::min(text.find('m', i), text.size());
    } else if ((static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U) {
      visit(i);
    }
  }
}

}  // namespace

void set_talk(Talk level) { g_talk = level; }
Talk talk_level() { return g_talk; }

void say(std::string_view line) {
  if (g_talk != Talk::kQuiet) write_line(line);
}

void say_more(std::string_view line) {
  if (g_talk == Talk::kVerbose) write_line(line);
}

void complain(std::string_view line) {
  write_line((coloured(STDERR_FILENO) ? "\x1b[1;31mmneme:\x1b[0m " : "mneme: ") + std::string(line));
}

bool progress_shown() { return g_talk != Talk::kQuiet && ::isatty(STDERR_FILENO) != 0; }

void show_progress(std::string_view line) {
  if (!progress_shown()) return;
  std::size_t cut = line.size(), count = 0;
  each_column(line, [&](std::size_t at) {
    if (++count == terminal_columns()) cut = at;
  });
  std::fprintf(stderr, "\r\x1b[K%.*s", static_cast<int>(cut), line.data());
  std::fflush(stderr);
  g_line_open = true;
}

void end_progress() {
  if (!g_line_open) return;
  std::fputs("\r\x1b[K", stderr);
  g_line_open = false;
}

void print(std::string_view text) {
  end_progress();
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) refuse_output();
}

void finish_output() {
  if (std::fflush(stdout) != 0) refuse_output();
}

std::string bold(std::string_view text) {
  return coloured(STDOUT_FILENO) ? "\x1b[1m" + std::string(text) + "\x1b[0m" : std::string(text);
}

std::size_t width(std::string_view text) {
  std::size_t count = 0;
  each_column(text, [&](std::size_t) { ++count; });
  return count;
}

std::string wrapped(std::string_view text, std::size_t indent, std::size_t columns) {
  std::string result, line;
  auto const end_line = [&] {
    result += std::string(indent, ' ') + line + "\n";
    line.clear();
  };
  for (std::size_t begin = 0; begin < text.size();) {
    auto const end = std::min(text.find(' ', begin), text.size());
    auto const word = text.substr(begin, end - begin);
    if (!line.empty() && indent + width(line) + 1 + width(word) > columns) end_line();
    if (!line.empty()) line += ' ';
    line += word;
    begin = end + 1;
  }
  if (!line.empty()) end_line();
  return result;
}

std::string columns(std::vector<std::string> const& head, std::vector<std::vector<std::string>> const& rows) {
  std::vector<std::size_t> widths(head.size());
  auto const measure = [&](std::vector<std::string> const& row) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  };
  measure(head);
  for (auto const& row : rows) measure(row);
  std::string text;
  auto const add = [&](std::vector<std::string> const& row, bool strong) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += strong ? bold(row[i]) : row[i];
      if (i + 1 < row.size()) line += std::string(widths[i] - width(row[i]) + 2, ' ');
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  };
  if (!head.empty()) add(head, true);
  for (auto const& row : rows) add(row, false);
  return text;
}

}  // namespace mneme::app
