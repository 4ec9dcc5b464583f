// Values as they are written on a command line.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mneme::app {

/// "90", "90s", "10m", "1.5h" as seconds. ConfigError otherwise; `flag` is for the message.
[[nodiscard]] double parse_duration(std::string const& text, std::string const& flag);

/// "3" or "0..4", both ends included.
[[nodiscard]] std::vector<std::int64_t> parse_seeds(std::string const& text, std::string const& flag);

/// "12.3 MB".
[[nodiscard]] std::string show_bytes(std::uintmax_t bytes);
/// "42 s", "3 min 05 s", "2 h 10 min".
[[nodiscard]] std::string show_seconds(double seconds);

/// One line that a shell reads as these words again.
[[nodiscard]] std::string shell_line(std::vector<std::string> const& words);

}  // namespace mneme::app
