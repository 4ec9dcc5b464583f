// What a person sees: results on stdout, talk on stderr, colour and a rewritten line only on a terminal.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mneme::app {

enum class Talk { kQuiet = 0, kNormal = 1, kVerbose = 2 };
void set_talk(Talk level);
[[nodiscard]] Talk talk_level();

/// A line on stderr; nothing under -q.
void say(std::string_view line);
/// A line on stderr under -v only.
void say_more(std::string_view line);
/// A line on stderr always, after a red "mneme: ".
void complain(std::string_view line);

/// Rewrites the last line of stderr, on a terminal and not under -q; `say` and `complain` clear it first.
void show_progress(std::string_view line);
void end_progress();
[[nodiscard]] bool progress_shown();

/// Text on stdout. Throws IoError when it cannot be written; `finish_output` finds out what was still buffered.
void print(std::string_view text);
void finish_output();

/// In bold on stdout where that is a terminal and NO_COLOR is not set.
[[nodiscard]] std::string bold(std::string_view text);

/// Columns that an escape code or the bytes of UTF-8 do not count for.
[[nodiscard]] std::size_t width(std::string_view text);
/// Breaks lines at spaces; every line begins with `indent` spaces.
[[nodiscard]] std::string wrapped(std::string_view text, std::size_t indent = 0, std::size_t columns = 100);

/// Aligned columns, two spaces between; the head is bold on a terminal, no head where it is empty.
[[nodiscard]] std::string columns(std::vector<std::string> const& head,
                                  std::vector<std::vector<std::string>> const& rows);

}  // namespace mneme::app
